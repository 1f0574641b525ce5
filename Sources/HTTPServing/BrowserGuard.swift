package import HTTPTypes

/// Refuses requests that a web page may have caused.
///
/// Each page that a user opens can send requests to servers on the user's machine and network. Programs of this family
/// never send what a browser adds to such requests, so its presence is enough to refuse them. The check of `Host` stops
/// pages whose own name was made to point here (DNS rebinding), which a browser takes for the same origin.
package struct BrowserGuard: Sendable {
    private let isLoopback: Bool
    private let names: Set<String>

    /// A guard for a server.
    ///
    /// - Parameters:
    ///   - host: The address or name that the server is bound to. On a loopback address or `localhost`, requests must
    ///     name a loopback host, or one of `names`.
    ///   - names: Host names by which the server is reached, without ports. On other addresses any name is accepted as
    ///     long as this is empty; once it is not, requests must name one of these, a loopback host or an IP address.
    package init(listeningOn host: String, names: some Sequence<String> = []) {
        isLoopback = HostName(host).isLoopback
        self.names = Set(names.map { HostName($0).text })
    }

    /// - Throws: 403 when `request` has an `Origin`, a `Sec-Fetch-Site` of another site, or a `Host` that is not this
    ///   server's.
    package func check(_ request: HTTPRequest) throws(ForeignRequest) {
        guard !request.headerFields.contains(.origin) else {
            throw ForeignRequest(.forbidden, "browser", "requests of web pages are not served: Origin is set")
        }
        let sites = HTTPField.Name("Sec-Fetch-Site").map { request.headerFields[values: $0] } ?? []
        guard sites.allSatisfy({ ["none", "same-origin"].contains($0.lowercased()) }) else {
            throw ForeignRequest(
                .forbidden, "browser", "requests of web pages are not served: Sec-Fetch-Site names another site")
        }
        // HTTP/1.0 clients may leave Host out; a browser cannot.
        guard let authority = request.authority, !authority.isEmpty else { return }
        guard accepts(HostName(withPort: authority)) else {
            throw ForeignRequest(
                .forbidden, "foreign-host", "this server is not reached by the name in Host; the operator can add it")
        }
    }

    private func accepts(_ host: HostName) -> Bool {
        if host.isLoopback || names.contains(host.text) { return true }
        if isLoopback { return false }
        return names.isEmpty || host.isAddress
    }

    /// - Throws: 415 for a `Content-Type` that a page can send to another site without asking the server first.
    package static func checkContentType(_ request: HTTPRequest) throws(ForeignRequest) {
        for value in request.headerFields[values: .contentType] {
            let end = value.firstIndex { ";, \t".contains($0) } ?? value.endIndex
            guard !formTypes.contains(value[..<end].lowercased()) else {
                throw ForeignRequest(
                    .unsupportedMediaType, "bad-type", "bodies of the type '\(value[..<end])' are not accepted here")
            }
        }
    }

    /// The types that need no preflight request (the Fetch standard, «CORS-safelisted request-header»).
    private static let formTypes: Set<String> = [
        "application/x-www-form-urlencoded", "multipart/form-data", "text/plain",
    ]
}

/// A request that does not come from a program of this family, and what its sender is told.
package struct ForeignRequest: Error, Sendable, Equatable {
    /// The status of the answer.
    package let status: HTTPResponse.Status
    /// A short name of the reason that does not change: `browser`, `foreign-host` or `bad-type`.
    package let code: String
    /// The reason in one sentence without a full stop.
    package let reason: String

    fileprivate init(_ status: HTTPResponse.Status, _ code: String, _ reason: String) {
        self.status = status
        self.code = code
        self.reason = reason
    }
}
