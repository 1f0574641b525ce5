internal import Fabric
internal import FoundationEssentials

/// What a plug-in is asked: one line of JSON on its standard input, and the same in its environment
/// (`docs/writing-a-carrier.md`, «The request»).
struct PluginRequest: Sendable, Encodable {
    enum Operation: String, Sendable, Encodable {
        case hello, deliver, probe, resume, arrivals, settle, list
    }

    var `protocol` = PluginRequest.version
    let op: Operation
    var address: String?
    var name: String?
    var digest: String?
    var size: Int64?
    var offset: Int64?
    var path: String?
    var limit: Int?
    var id: String?
    var settlement: String?
    var seconds: Int64?
    var reason: String?

    /// The version of the protocol that this side speaks.
    static let version = 1
    /// Where the plug-in finds the bytes.
    static let envelopePath = "/dev/fd/3"

    init(_ op: Operation, address: String? = nil) {
        self.op = op
        self.address = address
    }

    /// A request about an envelope.
    init(_ op: Operation, _ envelope: SealedEnvelope, address: String) {
        self.init(op, address: address)
        name = envelope.name.text
        digest = envelope.digest.hex
        size = envelope.size
    }

    /// The line, with its end.
    func line() -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else { return [] }
        return Array(data) + [UInt8(ascii: "\n")]
    }

    /// The same as variables, for programs without a reader of JSON.
    func variables() -> [String: String] {
        let all: [String: String?] = [
            "TCD_PROTOCOL": String(`protocol`), "TCD_OP": op.rawValue, "TCD_ADDRESS": address, "TCD_NAME": name,
            "TCD_DIGEST": digest, "TCD_SIZE": size.map { String($0) }, "TCD_OFFSET": offset.map { String($0) },
            "TCD_PATH": path, "TCD_LIMIT": limit.map { String($0) }, "TCD_ID": id, "TCD_SETTLEMENT": settlement,
            "TCD_SECONDS": seconds.map { String($0) }, "TCD_REASON": reason,
        ]
        return all.compactMapValues { $0 }
    }
}

/// The environment of a plug-in: what is on a list, what is meant for it, and the request.
struct PluginEnvironment: Sendable {
    /// What is handed on where it is set.
    static let handedOn: Set<String> = [
        "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "TZ", "TMPDIR",
        "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "SSH_AUTH_SOCK",
        "http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
        "SSL_CERT_FILE", "SSL_CERT_DIR",
    ]

    private let base: [String: String]

    /// What the plug-in `name` gets of `environment`. What begins with `TIBET_CARRIER_` and its name in capitals, with
    /// `_` for `-`, is meant for it.
    init(_ environment: [String: String], for name: String) {
        let own = "TIBET_CARRIER_" + name.uppercased().split(separator: "-").joined(separator: "_") + "_"
        base = environment.filter { Self.handedOn.contains($0.key) || $0.key.hasPrefix(own) }
    }

    /// `NAME=value` for each variable.
    func entries(for request: PluginRequest) -> [String] {
        base.merging(request.variables()) { $1 }.map { $0.key + "=" + $0.value }.sorted()
    }
}
