package import Fabric

/// Where a hub, or a peer's server, is: its root, below which `/api/mux`, `/api/ipoll` and `/api/blobs` are.
package struct HubAddress: Hashable, Sendable, CustomStringConvertible {
    /// Scheme, host, port and path prefix, without a slash at the end.
    package let base: String
    /// The value of the `Host` header: host and port, without the port that the scheme implies. It is sent as it is
    /// here, since it is part of what is signed.
    package let host: String
    /// The path of the root, empty or beginning with a slash and ending without one.
    let prefix: String

    package var description: String { base }

    /// Reads `http://host:port` or `https://host:port/prefix`. A slash at the end is tolerated, and so is an address
    /// that names one of the hub's interfaces already (`…/api/mux`, `…/api/ipoll`).
    ///
    /// - Throws: `misconfigured` for another scheme, a user name or password, a query, a fragment, or characters that
    ///   a URL cannot have.
    package init(parsing text: String) throws(CarrierError) {
        let lowered = text.lowercased()
        guard let scheme = ["http://", "https://"].first(where: { lowered.hasPrefix($0) }) else {
            throw Self.unusable(text, "it does not begin with http:// or https://")
        }
        guard text.utf8.count <= 2048 else { throw Self.unusable(text, "it is longer than 2048 bytes") }
        let rest = text.dropFirst(scheme.count)
        guard rest.utf8.allSatisfy({ (0x21...0x7e).contains($0) && !Self.forbidden.contains($0) }) else {
            throw Self.unusable(text, "it holds a character that cannot be in it")
        }
        var parts = rest.split(separator: "/", omittingEmptySubsequences: false)
        guard let authority = parts.first, !authority.isEmpty, !authority.hasPrefix(":") else {
            throw Self.unusable(text, "it names no host")
        }
        guard !authority.contains("@") else {
            // The text is not repeated: it may hold a password.
            throw CarrierError(
                .misconfigured, .waitForPerson,
                "the address of a hub holds a user name; requests are signed, not logged in",
                remedy: "write it as http://HOST:PORT or https://HOST:PORT")
        }
        while parts.count > 1, parts.last?.isEmpty == true { parts.removeLast() }
        if parts.count > 2, ["mux", "ipoll"].contains(parts[parts.count - 1]), parts[parts.count - 2] == "api" {
            parts.removeLast(2)
        }
        base = scheme + parts.joined(separator: "/")
        host = Self.host(authority, scheme)
        prefix = parts.dropFirst().map { "/" + $0 }.joined()
    }

    /// The port that the scheme implies is left out, as clients do.
    private static func host(_ authority: Substring, _ scheme: String) -> String {
        let lowered = authority.lowercased()
        let implied = scheme == "http://" ? ":80" : ":443"
        // An IPv6 address may end like a port only inside its brackets.
        return lowered.hasSuffix(implied) ? String(lowered.dropLast(implied.count)) : lowered
    }

    /// What RFC 3986 does not allow unescaped, query and fragment, and what no program further down should see.
    private static let forbidden = Set("?#\"'<>\\^`{|};$()*!".utf8)

    private static func unusable(_ text: String, _ why: String) -> CarrierError {
        CarrierError(
            .misconfigured, .waitForPerson, "cannot use '\(text.prefix(200))' as the address of a hub: \(why)",
            remedy: "write it as http://HOST:PORT or https://HOST:PORT")
    }
}
