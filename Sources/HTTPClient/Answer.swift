/// What came back for a request.
package struct Answer: Sendable {
    /// The status code of the last response.
    package var status: Int
    /// The header fields of the last response, names in lower case.
    package var headers: [(name: String, value: String)]
    /// The first bytes of the body, at most the request's `largestAnswer`.
    package var body: [UInt8]
    /// Whether the body was longer than that.
    package var isCut: Bool

    /// How much of a body is taken unless a request asks for more, and how much of all header fields, in bytes.
    package static let usualLimit = 64 << 10

    /// An answer from its parts.
    package init(status: Int, headers: [(name: String, value: String)], body: [UInt8], isCut: Bool = false) {
        self.status = status
        self.headers = headers
        self.body = body
        self.isCut = isCut
    }

    /// The value of the first field of that name; nil when there is none.
    package subscript(_ name: String) -> String? {
        let lowered = name.lowercased()
        return headers.first { $0.name == lowered }?.value
    }
}
