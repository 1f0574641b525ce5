/// The host in a route's address, read in one way for all schemes: `scheme://[user@]host[:port]/…`, `[user@]host:path` and
/// `[user@][v6]:path`.
public struct RouteHost: Hashable, Sendable, CustomStringConvertible {
    /// The name or address, in lower case; IPv6 without brackets.
    public let name: String
    /// The port as the address has it; nil where it has none.
    public let port: Int?

    /// The host, IPv6 in brackets, with the port where there is one.
    public var description: String {
        (name.contains(":") ? "[\(name)]" : name) + (port.map { ":\($0)" } ?? "")
    }

    /// Reads the address of `route`; nil where it has no host: a directory, or a plug-in's own form without a colon.
    public init?(_ route: Route) {
        guard route.scheme != "local" else { return nil }
        if let start = Self.endOfScheme(route.address) {
            let authority = route.address[start...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
            self.init(
                authority: authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority)
        } else {
            self.init(short: route.address[...])
        }
    }

    private init?(authority: Substring) {
        guard let (name, rest) = Self.split(authority) else { return nil }
        var port: Int?
        if let rest, !rest.isEmpty {
            guard let number = Int(rest), (0...65535).contains(number) else { return nil }
            port = number
        }
        (self.name, self.port) = (name, port)
    }

    /// `[user@]host:path`: what follows the colon is a path and no port.
    private init?(short text: Substring) {
        let head = text.prefix { $0 != "/" }
        let limit = head.firstIndex(of: ":") ?? head.endIndex
        // A user's name may hold '@'; an address in brackets holds colons.
        let bracket = head.firstRange(of: "@[")?.lowerBound
        let at = bracket.flatMap { $0 < limit ? $0 : nil } ?? head[..<limit].lastIndex(of: "@")
        let rest = at.map { text[text.index(after: $0)...] } ?? text
        guard let (name, path) = Self.split(rest), path != nil else { return nil }
        (self.name, port) = (name, nil)
    }

    /// The host in lower case and without brackets, and what follows the colon after it.
    private static func split(_ text: Substring) -> (name: String, rest: Substring?)? {
        if text.hasPrefix("[") {
            guard let close = text.firstIndex(of: "]") else { return nil }
            let name = text[text.index(after: text.startIndex)..<close].lowercased()
            let rest = text[text.index(after: close)...]
            guard !name.isEmpty, rest.isEmpty || rest.hasPrefix(":") else { return nil }
            return (name, rest.isEmpty ? nil : rest.dropFirst())
        }
        let name = text.prefix { $0 != ":" }
        guard !name.isEmpty, !name.contains("/") else { return nil }
        return (name.lowercased(), name.endIndex == text.endIndex ? nil : text[text.index(after: name.endIndex)...])
    }

    /// Where the text after `://` begins.
    private static func endOfScheme(_ text: String) -> String.Index? { text.firstRange(of: "://")?.upperBound }
}

extension Route {
    /// The host that the route leads to, with its scheme: what a circuit is kept for. For an address without one, the
    /// address.
    var host: String { scheme + " " + (RouteHost(self)?.description ?? address) }

    /// Where the route leads, for comparison with what was pinned: `host:port`, and for a mailbox `host:port#agent`. For an
    /// address without a host, scheme and address.
    public var place: String {
        guard let host = RouteHost(self) else { return "\(scheme) \(address)" }
        let isSecure = address.lowercased().hasPrefix("https://")
        let usual = scheme == "scp" ? 22 : isSecure ? 443 : 80
        let isKnown = ["http", "https", "scp", "mux", "ipoll"].contains(scheme)
        guard isKnown else { return "\(scheme) \(address)" }
        let bare = host.name.contains(":") ? "[\(host.name)]" : host.name
        let agent = address.lastIndex(of: "#").map { String(address[$0...]).lowercased() } ?? ""
        return "\(bare):\(host.port ?? usual)" + (["mux", "ipoll"].contains(scheme) ? agent : "")
    }
}
