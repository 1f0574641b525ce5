internal import HTTPServing
internal import NIOCore

/// The hosts that are this hub: those that signed requests may be for, and under which it is reached.
struct HubNames: Sendable {
    /// The configured names or those of the certificate, in their order.
    private let names: [HostName]
    /// Whether the hub is bound to this machine only, so that loopback names with its port are its names as well.
    let isLoopback: Bool
    private let scheme: String

    /// - Parameters:
    ///   - names: Names with or without a port; one without is good for any port.
    ///   - host: The address or name that the hub is bound to.
    init(_ names: [String], listeningOn host: String, isSecure: Bool) {
        self.names = names.map {
            $0.contains(":") && !$0.hasPrefix("[") && HostName($0).isAddress
                ? HostName($0) : HostName(withPort: $0)
        }
        isLoopback = HostName(host).isLoopback
        scheme = isSecure ? "https" : "http"
    }

    /// Whether a signed request could not name this hub at all.
    var isEmpty: Bool { names.isEmpty && !isLoopback }

    /// The names without ports, for the check of `Host`.
    var hosts: [String] { names.map(\.text) }

    /// Whether a request for `authority` is one for this hub.
    ///
    /// - Parameter port: The port that the request came in at.
    func contains(_ authority: String, at port: Int?) -> Bool {
        let asked = HostName(withPort: authority)
        if names.contains(where: { $0.text == asked.text && ($0.port == nil || $0.port == asked.port ?? usualPort) }) {
            return true
        }
        // Another hub on this machine has another port.
        return isLoopback && asked.isLoopback && (asked.port ?? usualPort) == port
    }

    /// The names as an error tells them.
    func description(at port: Int?) -> String {
        let own = names.map { name in Self.bracketed(name) + (name.port.map { ":\($0)" } ?? "") }
        return (own + (isLoopback ? ["127.0.0.1:\(port ?? usualPort)"] : [])).map { "'\($0)'" }.joined(separator: ", ")
    }

    /// The address of the hub as clients are told it: its first name, else the address that the connection came in at.
    func url(of channel: any NIOCore.Channel) -> String {
        let local = channel.localAddress ?? channel.parent?.localAddress
        let host = names.first ?? HostName(local?.ipAddress ?? "127.0.0.1")
        let port = names.first?.port ?? local?.port ?? usualPort
        return scheme + "://" + Self.bracketed(host) + (port == usualPort ? "" : ":\(port)")
    }

    private static func bracketed(_ host: HostName) -> String {
        host.isAddress && host.text.contains(":") ? "[\(host.text)]" : host.text
    }

    private var usualPort: Int { scheme == "https" ? 443 : 80 }
}
