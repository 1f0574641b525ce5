public import Fabric
internal import HTTPClient
public import SystemPackage

/// Who sends, whom to trust, and how long to wait.
///
/// Proxies are taken from `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` in the environment. There is no way
/// to switch off the verification of certificates.
public struct HTTPCarrierConfiguration: Sendable {
    /// The key that signs each delivery (`http-inbox.md`, section 3); nil to send without `Authorization`. It should be
    /// a key that lasts: a throw-away key proves nothing.
    public var signingKey: SigningKey?
    /// This sender's own DID, sent as `X-TIBET-Sender-DID`; nil to leave it out (`http-inbox.md`, section 4).
    public var senderDID: String?
    /// A PEM file of the authorities to trust in place of the system's.
    public var authorities: FilePath?
    /// A PEM file with the certificate to show to servers that ask for one.
    public var clientCertificate: FilePath?
    /// A PEM file with the private key of `clientCertificate`; nil when that file holds it too.
    public var clientKey: FilePath?
    /// How long name look-up, connection and TLS handshake may take together. 10 seconds.
    public var connectTime: Duration = .seconds(10)
    /// For how long the far side may take bytes slower than `minimumRate`, or leave a finished request unanswered;
    /// then the delivery is stalled. After a large body it has one second more for each 64 MiB to store. 30 seconds.
    public var stallTime: Duration = .seconds(30)
    /// The least number of bytes per second, averaged over `stallTime`, that counts as progress. 256.
    public var minimumRate: Int = 256
    /// From this size on an upload can be gone on with after an interruption, where the far side knows how. 1 MiB.
    public var resumeThreshold: Int64 = 1 << 20
    /// What unsigned uploads are found again by: a secret of this sender, from which a token for each inbox and envelope
    /// is computed. Random for each process by default; set it to continue unsigned uploads of an earlier process.
    public var uploadSecret = Self.processSecret
    /// What this program calls itself.
    public var userAgent: String = "tibet-fabric"

    private static let processSecret: Digest = {
        var generator = SystemRandomNumberGenerator()
        return Digest(of: (0..<64).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }()

    /// The defaults, without a key.
    public init(signingKey: SigningKey? = nil) {
        self.signingKey = signingKey
    }
}

extension HTTPCarrierConfiguration {
    /// What of this concerns any request.
    var client: HTTPClientConfiguration {
        var client = HTTPClientConfiguration()
        client.authorities = authorities
        client.clientCertificate = clientCertificate
        client.clientKey = clientKey
        client.connectTime = connectTime
        client.stallTime = stallTime
        client.minimumRate = minimumRate
        client.userAgent = userAgent
        return client
    }
}
