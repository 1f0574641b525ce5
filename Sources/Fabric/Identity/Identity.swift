/// Who seals: a private key and the name that goes with it.
public struct Identity: Sendable {
    /// The name, which becomes the manifest's `sender_aint`.
    public let name: String
    /// The private key.
    public let key: SigningKey

    /// An identity from its parts.
    ///
    /// - Throws: `badName` unless the name has 1 to 255 bytes and no control characters.
    public init(name: String, key: SigningKey) throws(IdentityError) {
        guard Self.isName(name) else { throw .badName(name) }
        self.name = name
        self.key = key
    }

    /// The public half of the key.
    public var publicKey: PublicKey { key.publicKey }

    /// Whether `text` can be the name of an identity: 1 to 255 bytes of UTF-8 without control characters.
    public static func isName(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    }

    /// The name of an identity that was not given one: `jis:local:tcd@<host name>`.
    public static var defaultName: String {
        let name = "jis:local:tcd@" + HostName.current
        return isName(name) ? name : "jis:local:tcd@localhost"
    }
}
