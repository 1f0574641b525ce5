/// A concrete way to one far side: which carrier, and the address in that carrier's own terms.
public struct Route: Hashable, Sendable, CustomStringConvertible {
    /// The scheme that picks the carrier: `http`, `https`, `local`, …
    public let scheme: String
    /// The address as the carrier reads it: a URL, a directory.
    public let address: String

    /// A route from its parts.
    public init(scheme: String, address: String) {
        self.scheme = scheme
        self.address = address
    }

    public var description: String { address }
}
