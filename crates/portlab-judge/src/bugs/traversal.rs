//! Servers that send files from outside of their folder.

use super::Bug;

const TRAVERSAL: Bug = Bug {
    remedy: [
        "Work out the real path, and send the file only if it is below the folder.",
        "先算出真实路径，确认它在网站目录之内才发送文件。",
    ],
    code: "root = os.path.realpath(\"static\")\nname = os.path.realpath(root + \"/\" + unquote(path))\nif not \
           name.startswith(root + \"/\"):\n    ...  # 404",
    look_at: &["open(", "join("],
    ..Bug::read_in("web-site")
};

pub(super) const traversal_dotdot: Bug = Bug {
    title: [
        "`..` in a path leads out of the folder: any file can be read",
        "路径里的 .. 能走出网站目录：任何文件都能被读走",
    ],
    cause: [
        "The path of the request is put behind the folder's name as it is. `static/../../etc/passwd` is a file outside.",
        "请求里的路径被原样接在目录名后面。static/../../etc/passwd 就是目录外面的文件。",
    ],
    ..TRAVERSAL
};

pub(super) const traversal_absolute: Bug = Bug {
    title: [
        "a path such as `//etc/passwd` leads out of the folder",
        "//etc/passwd 这样的绝对路径能走出网站目录",
    ],
    cause: [
        "os.path.join(\"static\", \"/etc/passwd\") is /etc/passwd: an absolute path drops what stands before it. The same \
         holds for Path(\"static\") / \"/etc/passwd\".",
        "os.path.join(\"static\", \"/etc/passwd\") 的结果是 /etc/passwd：后面是绝对路径时，前面的目录就被丢掉了。\
         Path(\"static\") / \"/etc/passwd\" 也一样。",
    ],
    look_at: &["join(", "Path(", "open("],
    ..TRAVERSAL
};

pub(super) const traversal_encoded: Bug = Bug {
    title: [
        "`%2e%2e` in a path leads out of the folder",
        "路径里的 %2e%2e 能走出网站目录",
    ],
    cause: [
        "%2e is a dot and %2f a slash. The path was checked before unquote() decoded it, so the check has seen no `..`.",
        "%2e 就是点，%2f 就是斜杠。检查路径的时候还没有用 unquote() 解码，所以没有看到 ..。",
    ],
    remedy: [
        "First decode the path, then check it.",
        "先解码路径，再检查。",
    ],
    look_at: &["unquote", "open("],
    ..TRAVERSAL
};
