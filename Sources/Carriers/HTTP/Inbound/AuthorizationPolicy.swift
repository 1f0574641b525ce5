public import Fabric

/// Who may deliver: what a listener asks of the `Authorization` header (`http-inbox.md`, sections 3, 5 and 6).
public struct AuthorizationPolicy: Sendable, Equatable {
    /// The keys that may deliver; empty for every key. A list that is not empty implies `requiresSignature`
    /// (`http-inbox.md`, section 6, row 9).
    public var trustedKeys: Set<PublicKey>
    /// How far a signature's timestamp may be from this machine's clock, before or after. 5 minutes by default.
    public var window: Duration

    /// Whether only a sender is let in whose key is the one that a name service has for the name that it claims
    /// (`http-inbox.md`, section 6, row 10). Implies `requiresSignature`; needs `HTTPListenerConfiguration.keyOfClaim`.
    public var requiresPin = false

    private var asksForSignature: Bool

    /// Whether a delivery without a valid signature is refused with 401.
    public var requiresSignature: Bool {
        get { asksForSignature || requiresPin || !trustedKeys.isEmpty }
        set { asksForSignature = newValue }
    }

    /// A policy from its parts. Without any: signatures are checked and recorded, and nobody is refused.
    public init(requiresSignature: Bool = false, trustedKeys: Set<PublicKey> = [], window: Duration = .seconds(300)) {
        self.trustedKeys = trustedKeys
        self.window = window
        asksForSignature = requiresSignature
    }

    /// The policy that the peers' environment variables describe (`http-inbox.md`, section 5).
    ///
    /// - `TIBET_HTTP_REQUIRE_AUTH`: exactly `1`, `true` or `yes` means yes, anything else no.
    /// - `TIBET_HTTP_TRUSTED_PUBKEYS`: keys in hexadecimal, separated by commas; white space and case do not matter.
    /// - `TIBET_HTTP_MAX_SIG_AGE_SEC`: whole seconds; 300 when it is not a number.
    /// - `TIBET_HTTP_REQUIRE_AINS_PIN`: exactly `1`, `true` or `yes` means yes, anything else no.
    ///
    /// - Throws: `HTTPListenerError.misconfigured` for a list of keys that holds something and no key: ignoring it would
    ///   let everybody in.
    public init(environment: [String: String]) throws(HTTPListenerError) {
        self.init(
            requiresSignature: Self.isTrue(environment["TIBET_HTTP_REQUIRE_AUTH"]),
            trustedKeys: try Self.keys(in: environment["TIBET_HTTP_TRUSTED_PUBKEYS"] ?? ""),
            window: .seconds(Self.seconds(in: environment["TIBET_HTTP_MAX_SIG_AGE_SEC"]) ?? 300))
        requiresPin = Self.isTrue(environment["TIBET_HTTP_REQUIRE_AINS_PIN"])
    }

    private static func isTrue(_ value: String?) -> Bool {
        ["1", "true", "yes"].contains(value)
    }

    /// A peer's `int()`: an optional sign and digits. A negative age lets nobody in, there as here.
    private static func seconds(in value: String?) -> Int64? {
        value.flatMap { Int64(trimmed($0)) }.map { max(-1, min($0, 1 << 40)) }
    }

    private static func keys(in list: String) throws(HTTPListenerError) -> Set<PublicKey> {
        let entries = list.split(separator: ",").map { trimmed($0).lowercased() }.filter { !$0.isEmpty }
        // An entry that is no key can match nobody, so the peers' lists work unchanged; but a list of nothing else
        // must not turn into "everybody".
        let keys = Set(entries.compactMap { PublicKey(hex: $0) })
        guard entries.isEmpty || !keys.isEmpty else {
            throw .misconfigured(
                "TIBET_HTTP_TRUSTED_PUBKEYS holds no public key",
                remedy: "write each key as 64 hexadecimal digits, separated by commas")
        }
        return keys
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        let spaces: Set<Character> = [" ", "\t", "\n", "\r"]
        let start = text.drop { spaces.contains($0) }
        return String(String(start.reversed().drop { spaces.contains($0) }).reversed())
    }
}
