//! The services that ports are commonly used for: a table, and looking up by port or name.
//!
//! The numbers come from IANA's registry (`/etc/services` has most of them), and from the defaults of
//! widespread programs.

use portlab_service::nearest;
use portlab_words::Text;

/// A service that is usually found at a port.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) port: u16,
    /// The name, in lower case; each name is used once.
    pub(crate) name: &'static str,
    /// Other names.
    pub(crate) aliases: &'static [&'static str],
    /// The use of the service, in a few words.
    pub(crate) purpose: Text,
}

/// The service that is usually found at `port`.
pub(crate) fn at(port: u16) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.port == port)
}

/// The service called `name`, in upper or lower case.
pub(crate) fn named(name: &str) -> Option<&'static Service> {
    let name = name.to_lowercase();
    let is_called = |it: &&Service| it.name == name || it.aliases.contains(&name.as_str());
    SERVICES.iter().find(is_called)
}

/// All names and aliases, by which [`named`] finds services.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let names = |it: &'static Service| [it.name].into_iter().chain(it.aliases.iter().copied());
    SERVICES.iter().flat_map(names)
}

/// The service's name that `text` is a misspelling of, if there is one. The first letters must be equal, because any two
/// short names are similar.
pub(crate) fn near(text: &str) -> Option<&'static str> {
    let first = text.to_lowercase().chars().next();
    nearest(text, names().filter(|name| name.chars().next() == first))
}

const fn service(
    port: u16,
    name: &'static str,
    aliases: &'static [&'static str],
    en: &'static str,
    zh: &'static str,
) -> Service {
    Service {
        port,
        name,
        aliases,
        purpose: Text::new(en, zh),
    }
}

/// By port.
#[rustfmt::skip]
pub(crate) static SERVICES: &[Service] = &[
    service(7, "echo", &[], "sends back what it receives (used only for tests today)", "回显：收到什么就发回什么（如今只用来测试）"),
    service(9, "discard", &[], "throws away what it receives", "丢弃收到的一切"),
    service(13, "daytime", &[], "sends the date and the time as text", "用文字报告日期和时间"),
    service(17, "qotd", &[], "a quotation of the day", "每日一句"),
    service(19, "chargen", &[], "sends characters without end", "不停地发送字符"),
    service(20, "ftp-data", &[], "the data of a file transfer (FTP)", "文件传输协议 FTP 的数据通道"),
    service(21, "ftp", &[], "file transfer (FTP)", "文件传输协议 FTP"),
    service(22, "ssh", &["sftp"], "logging in to another machine, encrypted (SSH)", "加密的远程登录 SSH"),
    service(23, "telnet", &[], "logging in to another machine, unencrypted", "不加密的远程登录 Telnet"),
    service(25, "smtp", &["mail"], "mail, from server to server (SMTP)", "简单邮件传输协议 SMTP，邮件服务器之间发信用"),
    service(37, "time", &[], "sends the time as a number", "用一个数字报告时间"),
    service(43, "whois", &[], "the owners of domains", "查询域名归谁所有"),
    service(53, "dns", &["domain"], "addresses of names (DNS); mostly over UDP", "域名解析 DNS，多数时候走 UDP"),
    service(67, "dhcp", &["bootps"], "gives machines their addresses (DHCP); over UDP", "给电脑分配 IP 地址的 DHCP，走 UDP"),
    service(69, "tftp", &[], "the simplest file transfer (TFTP); over UDP", "最简单的文件传输 TFTP，走 UDP"),
    service(80, "http", &["www", "web"], "web pages (HTTP)", "网页服务 HTTP"),
    service(88, "kerberos", &[], "proving identity (Kerberos)", "身份认证 Kerberos"),
    service(110, "pop3", &["pop"], "fetching mail (POP3)", "收取邮件 POP3"),
    service(111, "rpcbind", &["sunrpc", "portmapper"], "the ports of remote procedures (RPC)", "查询远程过程调用 RPC 在哪个端口"),
    service(119, "nntp", &["news"], "newsgroups (NNTP)", "新闻组 NNTP"),
    service(123, "ntp", &[], "setting clocks (NTP); over UDP", "网络校时 NTP，走 UDP"),
    service(135, "epmap", &["msrpc"], "remote procedures of Windows", "Windows 的远程过程调用"),
    service(139, "netbios", &["netbios-ssn"], "shared folders of old Windows", "旧版 Windows 的共享文件夹"),
    service(143, "imap", &["imap2"], "reading mail on the server (IMAP)", "在服务器上读邮件 IMAP"),
    service(161, "snmp", &[], "watching network devices (SNMP); over UDP", "监视网络设备 SNMP，走 UDP"),
    service(179, "bgp", &[], "routes between networks (BGP)", "网络之间交换路由 BGP"),
    service(389, "ldap", &[], "directories of people and machines (LDAP)", "人员和设备的目录 LDAP"),
    service(443, "https", &[], "web pages, encrypted (HTTPS)", "加密的网页服务 HTTPS"),
    service(445, "smb", &["microsoft-ds", "samba", "cifs"], "shared folders of Windows (SMB)", "Windows 的共享文件夹 SMB"),
    service(465, "smtps", &["submissions"], "handing in mail, encrypted", "加密的发信服务 SMTPS"),
    service(502, "modbus", &["mbap"], "machines in factories (Modbus)", "工业设备通信 Modbus"),
    service(515, "printer", &["lpd"], "printing (LPD)", "打印服务 LPD"),
    service(554, "rtsp", &[], "video from cameras (RTSP)", "摄像头的视频流 RTSP"),
    service(587, "submission", &[], "handing in mail", "客户端提交邮件"),
    service(631, "ipp", &["cups"], "printing (IPP, CUPS)", "打印服务 IPP（CUPS）"),
    service(636, "ldaps", &[], "directories, encrypted (LDAPS)", "加密的目录服务 LDAPS"),
    service(853, "dns-over-tls", &["domain-s", "dot"], "addresses of names, encrypted", "加密的域名解析"),
    service(873, "rsync", &[], "keeping copies of files (rsync)", "同步文件 rsync"),
    service(990, "ftps", &[], "file transfer, encrypted (FTPS)", "加密的文件传输 FTPS"),
    service(993, "imaps", &[], "reading mail, encrypted (IMAPS)", "加密的 IMAP 读信服务"),
    service(995, "pop3s", &[], "fetching mail, encrypted (POP3S)", "加密的 POP3 收信服务"),
    service(1080, "socks", &[], "a proxy that passes connections on (SOCKS)", "转发连接的代理 SOCKS"),
    service(1194, "openvpn", &[], "a private network over the Internet (OpenVPN)", "虚拟专用网 OpenVPN"),
    service(1433, "mssql", &["ms-sql-s", "sqlserver"], "the database SQL Server", "SQL Server 数据库"),
    service(1521, "oracle", &[], "the database Oracle", "Oracle 数据库"),
    service(1883, "mqtt", &[], "messages among small devices (MQTT)", "物联网设备的消息 MQTT"),
    service(1935, "rtmp", &[], "live video (RTMP)", "视频直播 RTMP"),
    service(2049, "nfs", &[], "folders of another machine (NFS)", "网络文件系统 NFS"),
    service(2181, "zookeeper", &[], "coordination of servers (ZooKeeper)", "分布式协调 ZooKeeper"),
    service(2375, "docker", &[], "commands to Docker", "控制 Docker"),
    service(2379, "etcd", &["etcd-client"], "configuration of many servers (etcd)", "分布式配置存储 etcd"),
    service(2425, "ipmsg", &["feiq", "ip-messenger", "飞秋", "飞鸽传书"], "chat in a local network (IP Messenger, FeiQ): messages over UDP, files over TCP", "局域网聊天（飞秋、飞鸽传书 IP Messenger）：消息走 UDP，文件走 TCP"),
    service(3000, "node", &["grafana", "rails"], "web pages in development (Node, Rails); Grafana", "开发网页时常用（Node、Rails），还有 Grafana"),
    service(3128, "squid", &[], "a proxy for web pages (Squid)", "网页代理 Squid"),
    service(3306, "mysql", &["mariadb"], "the database MySQL", "MySQL 数据库"),
    service(3389, "rdp", &["ms-wbt-server"], "the screen of a Windows machine (RDP)", "Windows 远程桌面 RDP"),
    service(3690, "svn", &["subversion"], "versions of files (Subversion)", "版本管理 Subversion"),
    service(4222, "nats", &[], "messages among servers (NATS)", "服务器之间的消息 NATS"),
    service(5000, "flask", &[], "web pages in development (Flask)", "用 Flask 开发网页时的默认端口"),
    service(5060, "sip", &[], "calls over the Internet (SIP)", "网络电话 SIP"),
    service(5222, "xmpp", &["xmpp-client", "jabber"], "chat (XMPP)", "即时聊天 XMPP"),
    service(5353, "mdns", &[], "names in a local network (mDNS); over UDP", "局域网里的名字解析 mDNS，走 UDP"),
    service(5432, "postgresql", &["postgres"], "the database PostgreSQL", "PostgreSQL 数据库"),
    service(5672, "amqp", &["rabbitmq"], "queues of messages (RabbitMQ)", "消息队列 RabbitMQ"),
    service(5900, "vnc", &["rfb"], "the screen of another machine (VNC)", "远程桌面 VNC"),
    service(6000, "x11", &[], "windows of the X Window System", "X Window 图形界面"),
    service(6379, "redis", &[], "a store in memory (Redis)", "内存数据库 Redis"),
    service(6443, "kubernetes", &["k8s"], "commands to Kubernetes", "控制 Kubernetes"),
    service(6667, "irc", &["ircd"], "chat (IRC)", "聊天室 IRC"),
    service(8000, "http-dev", &["django"], "web pages in development (Django, python -m http.server)", "开发网页时常用（Django、python -m http.server）"),
    service(8080, "http-alt", &["webcache", "tomcat"], "web pages beside port 80; the server of the course", "80 之外的网页端口，也是课程里服务端用的端口"),
    service(8443, "https-alt", &[], "encrypted web pages beside port 443", "443 之外的加密网页端口"),
    service(8883, "mqtts", &["secure-mqtt"], "messages among small devices, encrypted", "加密的物联网消息 MQTT"),
    service(8888, "jupyter", &[], "notebooks of Python (Jupyter)", "Python 笔记本 Jupyter"),
    service(9000, "php-fpm", &["fastcgi"], "programs behind a web server (PHP-FPM)", "网页服务器背后的 PHP 程序 PHP-FPM"),
    service(9090, "portlab", &["prometheus"], "the default port of portlab serve; also Prometheus", "portlab serve 的默认端口，也是监控系统 Prometheus 的"),
    service(9092, "kafka", &[], "streams of messages (Kafka)", "消息流 Kafka"),
    service(9100, "jetdirect", &["pdl-datastream"], "printers in the network", "网络打印机"),
    service(9200, "elasticsearch", &[], "searching texts (Elasticsearch)", "全文搜索 Elasticsearch"),
    service(9418, "git", &[], "versions of files (git://)", "版本管理 Git（git://）"),
    service(11211, "memcached", &["memcache"], "a cache in memory (memcached)", "内存缓存 memcached"),
    service(25565, "minecraft", &[], "the game Minecraft", "游戏《我的世界》（Minecraft）"),
    service(27017, "mongodb", &["mongo"], "the database MongoDB", "MongoDB 数据库"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_is_sorted_by_port_and_each_name_is_used_once() {
        assert!(SERVICES.is_sorted_by(|one, next| one.port < next.port));
        let unique: BTreeSet<_> = names().collect();
        assert_eq!(unique.len(), names().count());
        assert!(names().all(|name| name == name.to_lowercase()));
        for it in SERVICES {
            assert!(!it.purpose.en.is_empty() && !it.purpose.zh.is_empty());
        }
    }

    #[test]
    fn names_of_the_system_have_the_same_ports_here() {
        // Not every system has the list.
        let list = std::fs::read_to_string("/etc/services").unwrap_or_default();
        for line in list.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let (Some(name), Some(entry)) = (words.next(), words.next()) else {
                continue;
            };
            // Old lists have protocols besides TCP and UDP.
            let Some((port, "tcp" | "udp")) = entry.split_once('/') else {
                continue;
            };
            let port = port.parse().ok();
            for name in [name].into_iter().chain(words) {
                let ours = named(name).map(|service| service.port);
                assert!(ours.is_none() || ours == port, "{line}: ours is {ours:?}");
            }
        }
    }

    #[test]
    fn services_are_found_by_number_and_by_any_name() {
        assert_eq!(at(21).map(|it| it.name), Some("ftp"));
        assert_eq!(named("WWW").map(|it| it.port), Some(80));
        assert_eq!(named("飞秋").map(|it| it.port), Some(2425));
        assert!(at(50_000).is_none() && named("nothing").is_none());
    }
}
