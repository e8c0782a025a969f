//! A browser, driven by the WebDriver protocol: Chromium and its driver, if they are installed.
//!
//! Source: W3C WebDriver (w3.org/TR/webdriver2), and ChromeDriver's logs (`goog:loggingPrefs`).

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use portlab_sys::spawn::tie_to_this_thread;
use portlab_testkit::{once, root};
use serde_json::{Value, json};
use ureq::Agent;

/// A window of a browser of its own. It is closed when this value is dropped.
pub(super) struct Browser {
    driver: Child,
    session: String,
    agent: Agent,
}

/// What a browser is started with.
#[derive(Clone, Copy)]
pub(super) struct Look {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) dark: bool,
}

/// A projector.
pub(super) const PROJECTOR: Look = Look {
    width: 1920,
    height: 1080,
    dark: false,
};

/// A student's phone.
pub(super) const PHONE: Look = Look {
    width: 390,
    height: 844,
    dark: false,
};

/// The programs that a browser needs; `None` if one is missing.
fn programs() -> Option<[PathBuf; 2]> {
    let paths = env::var_os("PATH")?;
    let find = |name: &str| {
        env::split_paths(&paths)
            .map(|it| it.join(name))
            .find(|it| it.is_file())
    };
    Some([find("chromedriver")?, find("chromium")?])
}

pub(super) fn is_installed() -> bool {
    programs().is_some()
}

/// The rules of accessibility, where `.ci/run` puts them: a script for a page.
pub(super) fn axe() -> PathBuf {
    root().join("target/axe/package/axe.min.js")
}

impl Browser {
    #[track_caller]
    pub(super) fn open(look: Look) -> Self {
        let [driver, chromium] = programs().unwrap();
        let mut command = Command::new(driver);
        command
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut driver = tie_to_this_thread(&mut command).spawn().unwrap();
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let mut lines = lines.map_while(Result::ok);
        let port = lines.find_map(|line| {
            let (_, port) = line.split_once("successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        // The driver may print more.
        std::thread::spawn(move || lines.for_each(drop));
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .build();
        let mut browser = Self {
            driver,
            session: format!("http://127.0.0.1:{}/session", port.unwrap()),
            agent: agent.into(),
        };
        let mut options = vec![
            "--headless=new".to_owned(),
            // Tests may run as root, in a container with little shared memory.
            "--no-sandbox".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--hide-scrollbars".to_owned(),
            format!("--window-size={},{}", look.width, look.height),
        ];
        if look.dark {
            options.push("--force-dark-mode".to_owned());
        }
        let session = browser.call(
            "",
            &json!({"capabilities": {"alwaysMatch": {
                "browserName": "chrome",
                "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
                "goog:chromeOptions": {"binary": chromium, "args": options},
            }}}),
        );
        browser.session += &format!("/{}", session["sessionId"].as_str().unwrap());
        // The window has a frame; a phone's page is narrower than any window.
        browser.call("/chromium/send_command", &json!({
            "cmd": "Emulation.setDeviceMetricsOverride",
            "params": {"width": look.width, "height": look.height, "deviceScaleFactor": 1, "mobile": look.width < 600},
        }));
        browser.call("/chromium/send_command", &json!({
            "cmd": "Emulation.setEmulatedMedia",
            "params": {"features": [{"name": "prefers-color-scheme", "value": if look.dark { "dark" } else { "light" }}]},
        }));
        browser
    }

    #[track_caller]
    fn call(&self, path: &str, body: &Value) -> Value {
        let request = self.agent.post(format!("{}{path}", self.session));
        let mut answer = request
            .content_type("application/json")
            .send(body.to_string())
            .unwrap();
        let text = answer
            .body_mut()
            .with_config()
            .limit(64 << 20)
            .read_to_string()
            .unwrap();
        let mut value: Value = serde_json::from_str(&text).unwrap();
        assert!(answer.status().is_success(), "{path} {body}: {value}");
        value["value"].take()
    }

    #[track_caller]
    pub(super) fn go(&self, url: &str) {
        self.call("/url", &json!({"url": url}));
    }

    /// Runs `script`, the body of a function, and returns its result.
    #[track_caller]
    pub(super) fn run(&self, script: &str) -> Value {
        self.call("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// Runs `script`, which calls `done(result)` in the end.
    #[track_caller]
    pub(super) fn run_async(&self, script: &str) -> Value {
        let script = format!("const done = arguments[arguments.length - 1]; {script}");
        self.call("/execute/async", &json!({"script": script, "args": []}))
    }

    /// Waits until the expression `is` holds in the page.
    #[track_caller]
    pub(super) fn wait(&self, is: &str) {
        once(|| match self.run(&format!("return Boolean({is})")) {
            Value::Bool(true) => Ok(()),
            _ => Err(format!("{is}; the page shows: {}", self.text("body"))),
        });
    }

    /// The text of the first element that `selector` finds.
    #[track_caller]
    pub(super) fn text(&self, selector: &str) -> String {
        let selector = json!(selector);
        let text = self.run(&format!(
            "return document.querySelector({selector})?.innerText ?? ''"
        ));
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Clicks on the first element that `selector` finds, once it is there.
    #[track_caller]
    pub(super) fn click(&self, selector: &str) {
        let quoted = json!(selector);
        self.wait(&format!("document.querySelector({quoted})"));
        self.run(&format!("document.querySelector({quoted}).click()"));
    }

    /// Presses a key, on the element that has the focus.
    #[track_caller]
    pub(super) fn press(&self, key: &str) {
        let actions = json!([{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]);
        self.call(
            "/actions",
            &json!({"actions": [{"type": "key", "id": "keys", "actions": actions}]}),
        );
    }

    /// What the console has of errors, and which other hosts were asked for something, since the last call.
    #[track_caller]
    pub(super) fn troubles(&self, own: &str) -> Vec<String> {
        let console = self.call("/se/log", &json!({"type": "browser"}));
        let errors = console
            .as_array()
            .unwrap()
            .iter()
            .filter(|it| it["level"] == "SEVERE");
        let mut troubles: Vec<String> = errors.map(|it| it["message"].to_string()).collect();
        let requests = self.call("/se/log", &json!({"type": "performance"}));
        for entry in requests.as_array().unwrap() {
            let message: Value = serde_json::from_str(entry["message"].as_str().unwrap()).unwrap();
            let url = &message["message"]["params"]["request"]["url"];
            let is_other = |url: &&str| {
                !url.starts_with(own) && !url.starts_with("data:") && !url.starts_with("blob:")
            };
            if message["message"]["method"] == "Network.requestWillBeSent"
                && let Some(url) = url.as_str().filter(is_other)
            {
                troubles.push(format!("a request to {url}"));
            }
        }
        troubles
    }

    /// Keeps a picture of the page in `target/class-pages`, for people.
    #[track_caller]
    pub(super) fn keep(&self, name: &str) {
        let picture = self
            .agent
            .get(format!("{}/screenshot", self.session))
            .call()
            .unwrap();
        let text = picture
            .into_body()
            .with_config()
            .limit(64 << 20)
            .read_to_string()
            .unwrap();
        let picture: Value = serde_json::from_str(&text).unwrap();
        let bytes = BASE64_STANDARD
            .decode(picture["value"].as_str().unwrap())
            .unwrap();
        let folder = root().join("target/class-pages");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.agent.delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
