//! The few words that the page itself says.

use crate::Lang;

/// What the page itself says.
pub(crate) struct Words {
    pub(crate) skip: &'static str,
    pub(crate) contents: &'static str,
    pub(crate) theme_auto: &'static str,
    pub(crate) theme_light: &'static str,
    pub(crate) theme_dark: &'static str,
    pub(crate) copy: &'static str,
    pub(crate) copied: &'static str,
}

impl Lang {
    /// The language's tag (BCP 47).
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh-Hans",
        }
    }

    pub(crate) fn words(self) -> &'static Words {
        match self {
            Self::En => &EN,
            Self::Zh => &ZH,
        }
    }
}

static EN: Words = Words {
    skip: "Skip to the report",
    contents: "Contents",
    theme_auto: "Theme: as the system",
    theme_light: "Theme: light",
    theme_dark: "Theme: dark",
    copy: "Copy",
    copied: "Copied",
};

static ZH: Words = Words {
    skip: "跳到正文",
    contents: "目录",
    theme_auto: "主题：跟随系统",
    theme_light: "主题：浅色",
    theme_dark: "主题：深色",
    copy: "复制",
    copied: "已复制",
};
