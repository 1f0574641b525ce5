public import Fabric
public import SystemPackage

/// Where a listener listens, whom it lets in, and how much it takes.
public struct HTTPListenerConfiguration: Sendable {
    /// The address to bind, a number or a host name. Only this machine by default (`http-inbox.md`, section 6, row 12).
    public var host: String
    /// The port to bind; 0 for one that the system picks, which `HTTPListener.start()` reports.
    public var port: Int
    /// Host names by which senders reach the listener, without ports; none by default. On a loopback address requests
    /// must name a loopback host or one of these in `Host`; on other addresses one of these, where there are any.
    public var names: Set<String> = []
    /// Who may deliver.
    public var authorization: AuthorizationPolicy
    /// The key that a name service has for the name that a sender claims (`X-TIBET-Sender-DID`); nil when it has none, or
    /// cannot be asked. Needed where the policy requires a pin, and asked before the body is read.
    public var keyOfClaim: (@Sendable (_ claim: String) async -> PublicKey?)?
    /// The key that receipts are signed with (`SignedReceipt`); nil to sign none.
    public var receiptKey: SigningKey?
    /// How much is taken, and how fast it must come.
    public var limits: HTTPListenerLimits
    /// The certificate to serve `https` with; nil for plain `http`.
    public var tls: HTTPListenerTLS?

    /// A configuration from its parts.
    public init(
        host: String = "127.0.0.1", port: Int = 8443, authorization: AuthorizationPolicy = AuthorizationPolicy(),
        limits: HTTPListenerLimits = HTTPListenerLimits(), tls: HTTPListenerTLS? = nil
    ) {
        self.host = host
        self.port = port
        self.authorization = authorization
        self.limits = limits
        self.tls = tls
    }
}

/// The files that a listener needs to serve `https`, all in PEM.
public struct HTTPListenerTLS: Sendable {
    /// The certificate and those between it and its authority, the listener's own first.
    public var certificateChain: FilePath
    /// The private key that belongs to the first certificate.
    public var privateKey: FilePath
    /// The authorities of which a client must show a certificate; nil to ask for none.
    public var clientAuthorities: FilePath?

    /// Files from their paths.
    public init(certificateChain: FilePath, privateKey: FilePath, clientAuthorities: FilePath? = nil) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
        self.clientAuthorities = clientAuthorities
    }
}
