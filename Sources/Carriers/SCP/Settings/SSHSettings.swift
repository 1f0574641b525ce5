internal import CSSH2
internal import Fabric
internal import Glibc

/// How one host is reached, as the configuration of ssh says it.
struct SSHSettings: Sendable, Equatable {
    var user: String
    var hostName: String
    var port: Int
    /// The private keys to try, in order.
    var identityFiles: [String] = []
    /// Whether the agent's other keys are left out.
    var identitiesOnly = false
    /// The socket of the agent; nil for that of `SSH_AUTH_SOCK`.
    var agentSocket: String?
    var userKnownHosts: [String] = []
    var globalKnownHosts: [String] = []
    /// Whether names in the user's file of known hosts are hashed.
    var hashesKnownHosts = false
    /// The name to look the host's key up by, if not its own.
    var hostKeyAlias: String?
    /// What stands between here and the host.
    var proxy: Proxy?

    /// What stands between here and the host.
    enum Proxy: Sendable, Equatable {
        /// A command for the user's shell, whose standard streams are the connection.
        case command(String)
        /// Hosts to go through, as ssh's `ProxyJump` has them.
        case jump(String)
    }

    /// The name under which the host's key is known (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").
    var knownName: String {
        if let hostKeyAlias { return hostKeyAlias.lowercased() }
        return port == 22 ? hostName.lowercased() : "[\(hostName.lowercased())]:\(port)"
    }

    /// What ssh does where nobody configured anything.
    init(defaultsFor address: SCPAddress) {
        user = address.user ?? Self.account.name
        hostName = address.host
        port = address.port ?? 22
        identityFiles = ["id_ed25519", "id_ecdsa", "id_rsa"].map { Self.account.home + "/.ssh/" + $0 }
        userKnownHosts = ["known_hosts", "known_hosts2"].map { Self.account.home + "/.ssh/" + $0 }
        globalKnownHosts = ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"]
    }

    /// Reads what `ssh -G` printed: one option per line, its name in small letters.
    init(report: String, for address: SCPAddress) {
        self.init(defaultsFor: address)
        var identities: [String] = []
        for line in report.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let value = String(parts[1])
            if parts[0] == "identityfile" { identities.append(value) } else { set(String(parts[0]), value) }
        }
        identityFiles = identities.filter { $0 != "none" }.map(expand)
    }

    private mutating func set(_ option: String, _ value: String) {
        switch option {
        case "user": user = value
        case "hostname": hostName = value
        case "port": port = Int(value) ?? port
        case "identitiesonly": identitiesOnly = value == "yes"
        case "identityagent" where value != "SSH_AUTH_SOCK": agentSocket = value == "none" ? "" : expandAgent(value)
        case "userknownhostsfile": userKnownHosts = Self.files(in: value).map(expand)
        case "globalknownhostsfile": globalKnownHosts = Self.files(in: value).map(expand)
        case "hashknownhosts": hashesKnownHosts = value == "yes"
        case "hostkeyalias": hostKeyAlias = value
        case "proxycommand" where value != "none": proxy = .command(value)
        case "proxyjump" where value != "none": proxy = .jump(value)
        // Whatever `stricthostkeychecking` says, it does not weaken anything here.
        default: break
        }
    }

    private func expandAgent(_ value: String) -> String {
        guard value.hasPrefix("$") else { return expand(value) }
        let name = value.dropFirst().trimmed(of: "{}")
        return getenv(name).map { String(cString: $0) } ?? ""
    }

    private func expand(_ path: String) -> String {
        let replaced = replacingTokens(in: path)
        guard replaced == "~" || replaced.hasPrefix("~/") else { return replaced }
        return Self.account.home + replaced.dropFirst()
    }

    /// The text with its tokens replaced (ssh_config(5), "TOKENS").
    func replacingTokens(in text: String) -> String {
        var result = ""
        var rest = text[...]
        while let character = rest.popFirst() {
            guard character == "%", let token = rest.popFirst() else {
                result.append(character)
                continue
            }
            switch token {
            case "%": result += "%"
            case "d": result += Self.account.home
            case "h": result += hostName
            case "i": result += String(getuid())
            case "k": result += hostKeyAlias ?? hostName
            case "l": result += HostName.current
            case "L": result += HostName.current.prefix { $0 != "." }
            case "n": result += hostName
            case "p": result += String(port)
            case "r": result += user
            case "u": result += Self.account.name
            default: result += "%\(token)"
            }
        }
        return result
    }

    /// The files of a list. `ssh -G` does not quote names with spaces, so the longest run of words that is a file is one.
    private static func files(in list: String) -> [String] {
        var words = list.split(separator: " ").map(String.init)[...]
        var files: [String] = []
        while !words.isEmpty {
            let count = (1...words.count).reversed().first { count in
                count == 1 || access(words.prefix(count).joined(separator: " "), F_OK) == 0
            }
            files.append(words.prefix(count ?? 1).joined(separator: " "))
            words = words.dropFirst(count ?? 1)
        }
        return files.filter { $0 != "none" }
    }

    /// This user, as the system's accounts have it; ssh looks there too and not at `HOME`.
    static let account: (name: String, home: String) = {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16384)
        guard getpwuid_r(getuid(), &entry, &buffer, buffer.count, &found) == 0, found != nil else {
            let home = getenv("HOME").map { String(cString: $0) } ?? "/"
            return (getenv("USER").map { String(cString: $0) } ?? "nobody", home)
        }
        return (String(cString: entry.pw_name), String(cString: entry.pw_dir))
    }()
}

extension Substring {
    fileprivate func trimmed(of characters: String) -> String { String(self.filter { !characters.contains($0) }) }
}
