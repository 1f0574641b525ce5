public import Fabric
public import SystemPackage

/// Where a hub listens, what it keeps, whom it believes, and how much it takes.
public struct HubConfiguration: Sendable {
    /// The address to bind, a number or a host name. Only this machine by default.
    public var host = "127.0.0.1"
    /// The port to bind; 0 for one that the system picks, which `HubServer.start()` reports.
    public var port = 8000
    /// The files to serve `https` and HTTP/2 with; nil for plain `http`.
    public var tls: HubTLS?
    /// Where everything is kept: the path of a file, or the URL of a PostgreSQL database.
    public var store: String
    /// Whether nothing is checked and every name is who it says.
    public var isOpen = false
    /// Whether an open hub may listen where other machines can reach it.
    public var isOpenToTheNetwork = false
    /// The host names, with or without a port, that signed requests are for and under which clients are told of the hub.
    /// Where there are none, those of the certificate; on a loopback address the loopback names as well.
    public var names: [String] = []
    /// The keys that administer the registry, as agent `admin`.
    public var administrators: [PublicKey] = []
    /// Whether a hub that checks who asks accepts frames, messages and blobs for names that are not registered.
    public var acceptsUnregistered = false
    /// Whether the classes of bandwidth refuse frames, as the peers' server does.
    public var enforcesBandwidth = false
    /// How much is taken, and how fast.
    public var limits = HubLimits()
    /// What the hub says it is.
    public var version = "tcd"

    /// A hub that keeps everything in `store`.
    public init(store: String) { self.store = store }
}

/// The files that a hub needs to serve `https`, in PEM.
public struct HubTLS: Sendable {
    /// The certificate and those between it and its authority, the hub's own first.
    public var certificateChain: FilePath
    /// The private key that belongs to the first certificate.
    public var privateKey: FilePath

    /// Files from their paths.
    public init(certificateChain: FilePath, privateKey: FilePath) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
    }
}

/// How much a hub takes, and how fast it must come.
public struct HubLimits: Sendable, Equatable {
    /// The largest message in bytes before base64; more must be a blob. 1 MiB.
    public var largestMessage = 1 << 20
    /// The largest piece of a blob that is taken at once. 1 MiB.
    public var piece = 1 << 20
    /// The largest blob. 64 GiB.
    public var largestBlob: Int64 = 64 << 30
    /// The most bytes of proven senders that wait in one mailbox, and of one proven sender in all mailboxes, blobs
    /// included. 10 GiB.
    public var mailboxBytes: Int64 = 10 << 30
    /// What all senders without a registered key may store together.
    var unproven = UnprovenLimits()
    /// How many bytes they may store together. 64 MiB.
    public var unprovenBytes: Int64 {
        get { unproven.bytes }
        set { unproven.bytes = newValue }
    }
    /// How many frames, messages, channels and blobs they may store together. 10,000.
    public var unprovenItems: Int64 {
        get { unproven.items }
        set { unproven.items = newValue }
    }
    /// How much disk is left free. 256 MiB.
    public var reserve: Int64 = 256 << 20
    /// How many channels one agent may have open. 32, as the peers' server.
    public var openChannels = 32
    /// How many connections may be open at once; more wait to be accepted. 20,000.
    public var connections = 20_000
    /// How much memory the bodies of requests may take at once; JSON counts with four times its bytes. 512 MiB.
    public var bodies = 512 << 20
    /// How many requests one proven agent, or one address without a proven agent, may make in a second, over ten seconds;
    /// a tenth of that of signatures that fail; 0 for any number. 1,000.
    public var requestsPerSecond = 1000
    /// How long the header of the first request on a connection may take. 10 seconds.
    public var headerTime: Duration = .seconds(10)
    /// For how long a body may come slower than 256 bytes a second, an answer may not be fetched, or a connection may lie
    /// idle. 75 seconds.
    public var idleTime: Duration = .seconds(75)
    /// How long requests under way may go on when the hub is stopped. 10 seconds.
    public var stopTime: Duration = .seconds(10)
    /// How long an unfinished or unwanted blob is kept. 24 hours.
    public var blobAge: Duration = .seconds(24 * 60 * 60)
    /// How long a closed channel is shown. 1 hour.
    public var closedChannelAge: Duration = .seconds(60 * 60)
    /// How long a frame or a message waits that nobody fetches, in open mode. 72 hours.
    public var retention: Duration = .seconds(72 * 60 * 60)

    /// The defaults.
    public init() {}

    /// The largest body of a request that carries a message: base64 and what stands around it.
    var messageBody: Int { largestMessage / 3 * 4 + (64 << 10) }

    /// The largest body of a request of that size.
    func bytes(_ size: Endpoint.Size) -> Int {
        switch size {
        case .small: 64 << 10
        case .message, .file: messageBody
        case .piece: piece
        }
    }
}
