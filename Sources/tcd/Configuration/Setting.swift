/// One thing that can be set: by a flag, else by a variable, else in the configuration file, else not at all.
struct Setting: Sendable {
    /// Its place in the configuration file, `section.name`.
    let key: String
    /// The variable that sets it. Where the Python peers have one, it is theirs.
    let variable: String
    /// The flag that goes before both; nil where there is none.
    let flag: String?
    /// What holds when nobody says anything.
    let fallback: String
    /// What it is, in a few words.
    let summary: String

    private init(_ key: String, _ variable: String, _ flag: String? = nil, else fallback: String, _ summary: String) {
        self.key = key
        self.variable = variable
        self.flag = flag
        self.fallback = fallback
        self.summary = summary
    }

    /// The one table. What reads a setting reads its variable; the configuration file fills in variables that are unset.
    static let all = [
        Setting(
            "identity.directory", "TIBET_IDENTITY", "--identity",
            else: "$XDG_DATA_HOME/tibet/identity; root: /var/lib/tibet/identity", "where the signing key is"),
        Setting(
            "state.directory", "TIBET_STATE", else: "$XDG_STATE_HOME/tibet; root: /var/lib/tibet",
            "where the outbox, pins and names are kept"),
        Setting(
            "send.connect-timeout", "TIBET_CONNECT_TIMEOUT", "--connect-timeout", else: "10",
            "seconds until connecting is given up"),
        Setting(
            "send.stall-timeout", "TIBET_HTTP_TIMEOUT", "--stall-timeout", else: "30",
            "seconds without progress until a delivery is given up"),
        Setting(
            "send.transport", "TIBET_TRANSPORT", "--transport", else: "whatever works",
            "the only transport to use"),
        Setting(
            "resolver.routes", "TIBET_ROUTES", "--routes",
            else: "$XDG_CONFIG_HOME/tibet/routes.toml, then /etc/tibet/routes.toml", "the file of routes"),
        Setting(
            "resolver.strict-routes", "TIBET_STRICT_ROUTES", else: "0",
            "1: a delivery stops when AINS leads to other hosts than those that are pinned"),
        Setting("ains.url", "TIBET_AINS_API_URL", "--ains-url", else: "", "the address below which AINS has its names"),
        Setting("ains.timeout", "TIBET_AINS_API_TIMEOUT", else: "3.0", "seconds that a look-up may take"),
        Setting("ains.ssh-user", "TIBET_AINS_SSH_USER", else: "root", "the user of a named receiver's route over ssh"),
        Setting(
            "ains.inbox", "TIBET_AINS_DEFAULT_INBOX", else: "/var/lib/tibet/inbox",
            "the directory of a named receiver's route over ssh"),
        Setting(
            "mux.server", "TIBET_MUX_SERVER", "--mux-server", else: "",
            "the mux server of a named receiver, and of mux-consumer"),
        Setting(
            "mux.agent", "TIBET_MUX_AGENT", "--mux-agent", else: "",
            "the agent in whose name channels at mux servers are opened, if not that of the sender's name"),
        Setting(
            "ipoll.server", "IPOLL_API_URL", "--ipoll-server", else: "",
            "the I-Poll server of a named receiver, and of poll"
        ),
        Setting(
            "ipoll.session", "TIBET_IPOLL_SESSION", "--ipoll-session", else: "",
            "the file with the session token for I-Poll servers"),
        Setting(
            "carriers.path", "TIBET_CARRIER_PATH", else: "",
            "directories in which plug-ins are looked for before those of PATH"),
        Setting("http.port", "TIBET_HTTP_PORT", else: "8443", "the port of a named receiver's HTTP inbox"),
        Setting("http.require-auth", "TIBET_HTTP_REQUIRE_AUTH", else: "0", "1: recv takes signed deliveries only"),
        Setting(
            "http.require-ains-pin", "TIBET_HTTP_REQUIRE_AINS_PIN", else: "0",
            "1: recv takes only deliveries signed with the key that AINS has for the claimed sender"),
        Setting(
            "http.trusted-keys", "TIBET_HTTP_TRUSTED_PUBKEYS", else: "", "the only keys whose deliveries recv takes"),
        Setting(
            "http.signature-age", "TIBET_HTTP_MAX_SIG_AGE_SEC", else: "300", "seconds that a signature is good for"),
        Setting("hub.host", "TIBET_HUB_HOST", "--host", else: "127.0.0.1", "the address that the hub binds"),
        Setting("hub.port", "TIBET_HUB_PORT", "--port", else: "8000", "the port that the hub binds"),
        Setting(
            "hub.store", "TIBET_HUB_STORE", "--store", else: "hub.sqlite in the state directory",
            "the file or the postgres:// URL in which the hub keeps everything"),
        Setting("hub.open", "TIBET_HUB_OPEN", else: "0", "1: the hub checks nothing"),
        Setting(
            "hub.open-to-the-network", "TIBET_HUB_OPEN_TO_THE_NETWORK", else: "0",
            "1: an open hub may listen where other machines can reach it"),
        Setting(
            "hub.certificate", "TIBET_HUB_CERTIFICATE", "--certificate", else: "",
            "the certificate chain that the hub serves https with"),
        Setting("hub.key", "TIBET_HUB_KEY", "--key", else: "", "the private key of the hub's certificate"),
        Setting(
            "hub.names", "TIBET_HUB_NAMES", "--name", else: "those of the certificate, or loopback",
            "the host names that signed requests may be for"),
        Setting(
            "hub.accept-unregistered", "TIBET_HUB_ACCEPT_UNREGISTERED", else: "0",
            "1: the hub accepts frames, messages and blobs for names that are not registered"),
        Setting(
            "hub.admin-keys", "TIBET_HUB_ADMIN_KEYS", "--admin-key", else: "",
            "the keys that may suspend agents and set tiers"),
        Setting(
            "hub.largest-message", "TIBET_HUB_LARGEST_MESSAGE", "--largest-message", else: "1M",
            "the largest message before base64"),
        Setting(
            "hub.agent-bytes", "TIBET_HUB_AGENT_BYTES", "--agent-bytes", else: "10G",
            "the most bytes of registered senders in one mailbox, and of one of them in all"),
        Setting(
            "hub.unproven-bytes", "TIBET_HUB_UNPROVEN_BYTES", "--unproven-bytes", else: "64M",
            "the most bytes that all senders without a registered key may have stored together"),
        Setting("hub.reserve", "TIBET_HUB_RESERVE", "--reserve", else: "256M", "how much disk the hub leaves free"),
        Setting(
            "hub.connections", "TIBET_HUB_CONNECTIONS", "--connections", else: "20000",
            "how many connections to the hub may be open at once"),
        Setting(
            "hub.rate", "TIBET_HUB_RATE", "--rate", else: "1000; any number for an open hub",
            "how many requests one agent or address may make in a second"),
        Setting(
            "hub.channels", "TIBET_HUB_CHANNELS", "--channels", else: "32",
            "how many channels one agent may have open"),
        Setting(
            "hub.retention", "TIBET_HUB_RETENTION", "--retention", else: "259200",
            "seconds that a message waits where no tier says"),
        Setting(
            "hub.bandwidth-classes", "TIBET_HUB_BANDWIDTH_CLASSES", else: "0",
            "1: the hub refuses frames beyond the intents' classes of bandwidth"),
        Setting("hub.url", "TIBET_HUB_URL", "--url", else: "http://127.0.0.1:8000", "the hub that status asks"),
        Setting("proxy.http", "http_proxy", else: "", "the proxy for http"),
        Setting("proxy.https", "https_proxy", else: "", "the proxy for https"),
        Setting("proxy.except", "no_proxy", else: "", "hosts that are reached without a proxy"),
    ]
}
