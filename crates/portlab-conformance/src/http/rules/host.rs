//! The field Host.

use super::{
    rules,
    want::{USUAL, Want::*},
};

rules! {
    a_request_without_host_is_refused Must "9112 3.2"
        "answers a request of HTTP/1.1 without Host with 400" "HTTP/1.1 的请求没有 Host 时，回答 400"
        ["GET / HTTP/1.1\n\n", "GET / HTTP/1.1\nX-Host: {host}\n\n", "POST / HTTP/1.1\nContent-Length: 0\n\n"]
        => Status(&[400]);
    two_hosts_are_refused Must "9112 3.2"
        "answers a request with two Host fields with 400, also if they are the same" "有两个 Host 时回答 400，即使相同"
        ["GET / HTTP/1.1\nHost: {host}\nHost: other.example\n\n", "GET / HTTP/1.1\nHost: {host}\nhost: {host}\n\n",
         "GET / HTTP/1.0\nHost: {host}\nHost: {host}\n\n"] => Status(&[400]);
    a_malformed_host_is_refused Must "9112 3.2"
        "answers a Host that isn't a host and a port with 400" "Host 不是“主机:端口”时，回答 400"
        ["GET / HTTP/1.1\nHost: a b\n\n", "GET / HTTP/1.1\nHost: a/b\n\n", "GET / HTTP/1.1\nHost: user@a\n\n",
         "GET / HTTP/1.1\nHost: a:b\n\n", "GET / HTTP/1.1\nHost: a:80:80\n\n", "GET / HTTP/1.1\nHost: [::1\n\n",
         "GET / HTTP/1.1\nHost: a?b\n\n", "GET / HTTP/1.1\nHost: a#b\n\n", "GET / HTTP/1.1\nHost: http://a\n\n",
         "GET / HTTP/1.1\nHost: a{00}b\n\n", "GET / HTTP/1.1\nHost: a\\b\n\n"] => Status(&[400]);
    several_hosts_in_one_field_are_refused Must "9112 3.2"
        "answers a Host with several hosts with 400" "一个 Host 里写了几个主机时，回答 400"
        ["GET / HTTP/1.1\nHost: a, b\n\n", "GET / HTTP/1.1\nHost: {host}, {host}\n\n"] => Status(&[400]);
    an_empty_host_is_refused Must "9110 4.2.1"
        "refuses an empty Host, because a URI of http has a host" "Host 为空时拒绝：http 的 URI 必须有主机"
        ["GET / HTTP/1.1\nHost:\n\n", "GET / HTTP/1.1\nHost: \n\n"] => Status(&[400]);
    every_form_of_a_host_is_served Must "9110 7.2"
        "reads names, addresses and ports in Host" "Host 可以是名字、地址，可以带端口"
        ["GET / HTTP/1.1\nHost: localhost\n\n", "GET / HTTP/1.1\nHost: 127.0.0.1:8080\n\n",
         "GET / HTTP/1.1\nHost: [::1]:8080\n\n", "GET / HTTP/1.1\nHost: LOCALHOST\n\n",
         "GET / HTTP/1.1\nHost: localhost.\n\n", "GET / HTTP/1.1\nHost: xn--fsq.example:\n\n"]
        => Status(&[USUAL, 421]), InStep;
    an_old_request_needs_no_host Should "9112 3.2"
        "serves a request of HTTP/1.0 without Host" "HTTP/1.0 的请求可以没有 Host"
        ["GET / HTTP/1.0\n\n"] => Status(&[USUAL]);
}
