public import Fabric
internal import HTTPClient
internal import HubClient
public import SystemPackage

/// Who asks, and how long to wait for an answer.
public struct IPollConfiguration: Sendable {
    /// The key that requests are signed with, in the name of the mailbox that asks; nil for none. Servers other than
    /// ours do not look at signatures.
    public var signingKey: SigningKey?
    /// A session token, sent as `Authorization: Bearer`; nil for none (`ipoll.md`, section 7).
    public var bearerToken: String?
    /// A PEM file of the authorities to trust in place of the system's.
    public var authorities: FilePath?
    /// A PEM file with the certificate to show to servers that ask for one.
    public var clientCertificate: FilePath?
    /// A PEM file with the private key of `clientCertificate`; nil when that file holds it too.
    public var clientKey: FilePath?
    /// How long name look-up, connection and TLS handshake may take together. 10 seconds.
    public var connectTime: Duration = .seconds(10)
    /// For how long the far side may take bytes slower than `minimumRate`, or leave a finished request unanswered. 30
    /// seconds.
    public var stallTime: Duration = .seconds(30)
    /// The least number of bytes per second, averaged over `stallTime`, that counts as progress. 256.
    public var minimumRate: Int = 256
    /// What this program calls itself. Public servers refuse requests that say nothing.
    public var userAgent: String = "tibet-fabric"

    /// The defaults, without a key.
    public init(signingKey: SigningKey? = nil) {
        self.signingKey = signingKey
    }
}

extension IPollConfiguration {
    /// What of this concerns any request to a hub.
    var hub: HubClientConfiguration {
        var hub = HubClientConfiguration(signingKey: signingKey)
        hub.http.authorities = authorities
        hub.http.clientCertificate = clientCertificate
        hub.http.clientKey = clientKey
        hub.http.connectTime = connectTime
        hub.http.stallTime = stallTime
        hub.http.minimumRate = minimumRate
        hub.http.userAgent = userAgent
        return hub
    }

    /// The header fields that say who asks, beside a signature.
    ///
    /// - Throws: `misconfigured` for a token, or a name of this program, that no header can hold.
    func identification() throws(CarrierError) -> [(name: String, value: String)] {
        // A line break would begin another header field.
        guard !userAgent.isEmpty, userAgent.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else {
            throw CarrierError(
                .misconfigured, .giveUp,
                "this program's name for itself is empty, or holds a character that no header has")
        }
        guard let bearerToken else { return [] }
        guard (1...4096).contains(bearerToken.utf8.count), bearerToken.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else {
            throw CarrierError(
                .misconfigured, .waitForPerson, "the session token is empty, or holds a character that no header has",
                remedy: "use the token as the server gave it")
        }
        return [("Authorization", "Bearer " + bearerToken)]
    }
}
