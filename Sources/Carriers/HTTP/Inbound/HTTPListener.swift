public import Fabric
internal import HTTPServing
public import Logging
internal import NIOPosix
internal import SystemPackage

/// An HTTP inbox: takes envelopes from our carrier and from the peers' clients, and puts them into a lane
/// (`http-inbox.md`).
///
/// ```swift
/// let listener = HTTPListener(configuration: HTTPListenerConfiguration(port: 0), lane: lane)
/// let address = try await listener.start()
/// for await arrival in listener.arrivals { … }
/// ```
public actor HTTPListener {
    /// What was delivered and is in the lane, in order. What is delivered again comes again, with the outcome
    /// `duplicate`. Ends when the listener has stopped. For one reader; what nobody reads stays in memory.
    public nonisolated let arrivals: AsyncStream<HTTPArrival>

    private let configuration: HTTPListenerConfiguration
    private let lane: Lane
    private let logger: Logger
    private let stream: AsyncStream<HTTPArrival>.Continuation
    private let sessions: UploadSessions
    private let pool: NIOThreadPool
    private let hashingPool: NIOThreadPool
    private var state = State.fresh
    private var cleaning: Task<Void, Never>?

    private enum State {
        case fresh
        case running(RunningServer)
        case stopped
    }

    /// Disks want several syncs at once: sixteen threads store small envelopes three times as fast as one.
    private static let diskThreads = 16
    /// What is read back is hashed on two, however many ask.
    private static let hashingThreads = 2
    private static let cleaningInterval = Duration.seconds(60 * 60)

    /// A listener that does nothing yet.
    ///
    /// - Parameters:
    ///   - configuration: Where to listen, and for whom.
    ///   - lane: Where to put what comes. Its reserve is the listener's disk reserve.
    ///   - logger: Told about refusals and failures; nothing by default.
    public init(
        configuration: HTTPListenerConfiguration, lane: Lane,
        logger: Logger = Logger(label: "http", factory: { _ in SwiftLogNoOpLogHandler() })
    ) {
        self.configuration = configuration
        self.lane = lane
        self.logger = logger
        (arrivals, stream) = AsyncStream.makeStream()
        sessions = UploadSessions(patience: configuration.limits.takeOverTime)
        pool = NIOThreadPool(numberOfThreads: Self.diskThreads)
        hashingPool = NIOThreadPool(numberOfThreads: Self.hashingThreads)
    }

    /// Cleans up after listeners that died, binds, and takes requests from then on.
    ///
    /// - Returns: The address that was bound, with the port that the system picked where 0 was asked for.
    /// - Throws: `misconfigured` for files that cannot be used, `cannotBind` for an address that cannot be had.
    @discardableResult
    public func start() async throws(HTTPListenerError) -> HTTPListenerAddress {
        guard case .fresh = state else { throw .startedBefore }
        guard !configuration.authorization.requiresPin || configuration.keyOfClaim != nil else {
            throw .misconfigured(
                "senders' keys are to be compared with a name service, and there is none to ask",
                remedy: "name the address of AINS in TIBET_AINS_API_URL, or unset TIBET_HTTP_REQUIRE_AINS_PIN")
        }
        state = .stopped
        do {
            try lane.removeAbandonedDeposits()
            try lane.removeUploads(untouchedFor: configuration.limits.unfinishedUploadAge)
        } catch {
            throw .lane(error)
        }
        pool.start()
        hashingPool.start()
        do throws(HTTPListenerError) {
            let server = try await InboxServer.start(configuration, logger: logger, responder: responder())
            state = .running(server)
            let cleanup = cleanup
            cleaning = Task { await cleanup.run(every: Self.cleaningInterval, on: ContinuousClock()) }
            return HTTPListenerAddress(
                scheme: configuration.tls == nil ? "http" : "https", host: server.host, port: server.port)
        } catch {
            await stopThreads()
            stream.finish()
            throw error
        }
    }

    /// Stops taking connections, lets deliveries under way go on for `stopTime`, then cuts them off. Interrupted
    /// uploads can be gone on with after the next start.
    public func stop() async {
        guard case .running(let server) = state else { return }
        state = .stopped
        cleaning?.cancel()
        await cleaning?.value
        await server.stop(within: configuration.limits.stopTime)
        await sessions.closeAll()
        await stopThreads()
        stream.finish()
    }

    private func stopThreads() async {
        try? await pool.shutdownGracefully()
        try? await hashingPool.shutdownGracefully()
    }

    private var cleanup: UploadCleanup {
        UploadCleanup(
            lane: lane, sessions: sessions, work: BlockingWork(on: pool),
            age: configuration.limits.unfinishedUploadAge, logger: logger)
    }

    /// The memory of signed deliveries, which goes on from that of the listener that had the lane before.
    private func replays(_ window: Duration, _ work: BlockingWork) -> ReplayMemory {
        let journal = LineJournal(
            directory: lane.directory.appending(".replays"), keeping: ReplayMemory.lifetime(of: window),
            capacity: ReplayMemory.capacity)
        return ReplayMemory(window: window, journal: journal, work: work)
    }

    private func responder() -> InboxResponder {
        let limits = configuration.limits
        let policy = configuration.authorization
        let authenticator = Authenticator(policy: policy, keyOfClaim: configuration.keyOfClaim)
        let slots = UploadSlots(limits)
        let receiver = BodyReceiver(work: BlockingWork(on: pool))
        let arrivals = Arrivals(
            lane: lane, work: receiver.work, replays: replays(policy.window, receiver.work),
            receiptKey: configuration.receiptKey, stream: stream)
        return InboxResponder(
            deliveries: PlainDeliveries(
                lane: lane, limits: limits, authenticator: authenticator, slots: slots, receiver: receiver,
                arrivals: arrivals),
            uploads: ResumableUploads(
                lane: lane, limits: limits, authenticator: authenticator, slots: slots, sessions: sessions,
                receiver: receiver, hashing: BlockingWork(on: hashingPool), arrivals: arrivals),
            browsers: BrowserGuard(listeningOn: configuration.host, names: configuration.names), logger: logger)
    }
}

/// Where a listener listens.
public struct HTTPListenerAddress: Sendable, Equatable, CustomStringConvertible {
    /// `http` or `https`.
    public let scheme: String
    /// The bound address as a number.
    public let host: String
    /// The bound port.
    public let port: Int

    /// The base URL to give to senders.
    public var description: String {
        scheme + "://" + (host.contains(":") ? "[\(host)]" : host) + ":\(port)"
    }

    /// The route to this listener, from this machine.
    public var route: Route { Route(scheme: scheme, address: description) }
}
