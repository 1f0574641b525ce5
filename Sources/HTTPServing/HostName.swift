internal import NIOCore

/// A host as it stands in an address: a name, or the number of an IP address.
package struct HostName: Sendable, Hashable {
    /// In lower case, without brackets, port and the dot at the end; IP addresses in their shortest form.
    package let text: String
    /// Whether it is the number of an address.
    package let isAddress: Bool
    /// The port that stood behind it; nil where none did.
    package let port: Int?

    /// A host without a port; brackets around an IPv6 address do not matter.
    package init(_ host: String) { self.init(host[...], port: nil) }

    private init(_ host: Substring, port: Int?) {
        self.port = port
        var name = Substring(host.lowercased())
        if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
        if name.hasSuffix(".") { name = name.dropLast() }
        let address = try? SocketAddress(ipAddress: String(name), port: 0)
        isAddress = address != nil
        text = address?.ipAddress ?? String(name)
    }

    /// A host as `Host` has it.
    package init(withPort authority: String) {
        // The port is what follows the last colon outside brackets.
        if !authority.hasSuffix("]"), let colon = authority.lastIndex(of: ":") {
            self.init(authority[..<colon], port: Int(authority[authority.index(after: colon)...]))
        } else {
            self.init(authority[...], port: nil)
        }
    }

    /// Whether it means the machine itself.
    package var isLoopback: Bool {
        guard isAddress else { return text == "localhost" || text.hasSuffix(".localhost") }
        return text.hasPrefix("127.") || text == "::1" || text.hasPrefix("::ffff:127.")
    }
}
