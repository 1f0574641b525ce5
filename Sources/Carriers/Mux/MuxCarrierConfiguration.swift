public import Fabric
internal import HTTPClient
internal import HubClient
public import SystemPackage

/// Who sends, under which intent, whom to trust, and how long to wait.
public struct MuxCarrierConfiguration: Sendable {
    /// The agent that channels are opened as; the peers' `--mux-agent`. Normalised as every name is (`mux.md`,
    /// section 1). `tcd-sender`.
    public var agent = "tcd-sender"
    /// The key that signs requests to a hub, in the agent's name when sending and in the mailbox's name when receiving;
    /// nil to sign none. A peer's server looks at no signature.
    public var signingKey: SigningKey?
    /// What the channels are for (`mux.md`, section 4.1): receivers take only what has the intent that they ask for.
    /// `continuityd:inbox`.
    public var intent = "continuityd:inbox"
    /// Whether channels are left open after a delivery, for their receiver to close.
    public var keepsOpen = false
    /// For how long a channel at a peer's server is left open for its receiver, before it is closed from here. The
    /// delivery ends when the receiver has closed it, or after this time. 2 seconds.
    public var closingTime: Duration = .seconds(2)
    /// How often a peer's server is asked whether there is something. 1 second.
    public var pollInterval: Duration = .seconds(1)
    /// How long a hub may wait for something to hand over before it answers that there is nothing. 20 seconds.
    public var waitTime: Duration = .seconds(20)
    /// For how long a hub holds what it handed over; extended while it is copied. 60 seconds.
    public var leaseTime: Duration = .seconds(60)
    /// Where to remember which frames of a peer's server were dealt with, since that server offers everything for ever;
    /// the peers' daemon has its file `mux-consumer-seen.json`, which can be used. Nil to remember them in this process.
    public var seenFile: FilePath?
    /// The largest frame that is taken from a peer's server, in bytes of its answer, which is in memory as a whole.
    /// 64 MiB.
    public var largestFrame = 64 << 20
    /// The largest envelope to send, in bytes; nil for no limit but the server's.
    public var largestEnvelope: Int64?
    /// Told of what was passed over and what was lost, on any thread; must return at once.
    public var report: @Sendable (MuxNotice) -> Void = { _ in }
    /// A PEM file of the authorities to trust in place of the system's.
    public var authorities: FilePath?
    /// A PEM file with the certificate to show to servers that ask for one.
    public var clientCertificate: FilePath?
    /// A PEM file with the private key of `clientCertificate`; nil when that file holds it too.
    public var clientKey: FilePath?
    /// How long name look-up, connection and TLS handshake may take together. 10 seconds.
    public var connectTime: Duration = .seconds(10)
    /// For how long the server may take bytes slower than `minimumRate`, or leave a request unanswered. 30 seconds.
    public var stallTime: Duration = .seconds(30)
    /// The least number of bytes per second, averaged over `stallTime`, that counts as progress. 256.
    public var minimumRate = 256
    /// What this program calls itself. Printable ASCII.
    public var userAgent = "tibet-fabric"

    /// The defaults.
    public init(signingKey: SigningKey? = nil) { self.signingKey = signingKey }
}

extension MuxCarrierConfiguration {
    /// What of this concerns any request to a hub.
    var hubClient: HubClientConfiguration {
        var configuration = HubClientConfiguration(signingKey: signingKey)
        configuration.http.authorities = authorities
        configuration.http.clientCertificate = clientCertificate
        configuration.http.clientKey = clientKey
        configuration.http.connectTime = connectTime
        configuration.http.stallTime = stallTime
        configuration.http.minimumRate = minimumRate
        configuration.http.userAgent = userAgent
        return configuration
    }
}
