internal import Fabric

/// The addresses below one base URL of an HTTP inbox (`http-inbox.md`, section 1).
struct InboxAddress: Equatable {
    /// Scheme, host, port and path prefix, without `/inbox` and without a slash at the end.
    let base: String

    /// Reads `http://host:port`, `https://host/prefix` or the same with `/inbox` at the end.
    ///
    /// - Throws: `misconfigured` for another scheme, a user name or password, a query, a fragment, or characters that
    ///   a URL cannot have.
    init(_ route: Route) throws(CarrierError) {
        let text = route.address
        let lowered = text.lowercased()
        guard let scheme = ["http://", "https://"].first(where: { lowered.hasPrefix($0) }) else {
            throw Self.unusable(text, "it does not begin with http:// or https://")
        }
        guard HTTPCarrier.schemes.contains(route.scheme) else {
            throw Self.unusable(text, "its route has the scheme '\(route.scheme)'")
        }
        let rest = text.dropFirst(scheme.count)
        guard rest.utf8.allSatisfy({ (0x21...0x7e).contains($0) && !Self.forbidden.contains($0) }) else {
            throw Self.unusable(text, "it holds a character that cannot be in it")
        }
        var parts = rest.split(separator: "/", omittingEmptySubsequences: false)
        guard let host = parts.first, !host.isEmpty, !host.hasPrefix(":") else {
            throw Self.unusable(text, "it names no host")
        }
        guard !host.contains("@") else {
            throw Self.unusable(text, "it holds a user name; deliveries are signed, not logged in")
        }
        while parts.count > 1, parts.last?.isEmpty == true { parts.removeLast() }
        if parts.count > 1, parts.last == "inbox" { parts.removeLast() }
        base = scheme + parts.joined(separator: "/")
    }

    /// Where an envelope is posted.
    func envelope(_ name: ArrivalName) -> String { base + "/inbox/" + name.text }

    /// Where an upload is gone on with.
    func upload(_ id: String) -> String { base + "/inbox/" + UploadID.directory + "/" + id }

    /// Where to ask whether anybody is there.
    var health: String { base + "/health" }

    /// Query, fragment, and what RFC 3986 does not allow unescaped.
    private static let forbidden = Set("?#\"<>\\^`{|}".utf8)

    private static func unusable(_ text: String, _ why: String) -> CarrierError {
        CarrierError(
            .misconfigured, .waitForPerson, "cannot use the address '\(text.prefix(200))': \(why)",
            remedy: "write it as http://host:port or https://host:port")
    }
}
