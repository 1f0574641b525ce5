internal import Fabric
internal import HTTPServing
internal import HTTPTypes
internal import HummingbirdCore
internal import HummingbirdHTTP2
public import Logging
internal import SystemPackage

/// The hub: mailboxes for agents that no one can reach, behind one port.
///
/// ```swift
/// let hub = HubServer(configuration: HubConfiguration(store: "hub.sqlite"), logger: logger)
/// let address = try await hub.start()
/// await hub.stop(within: .seconds(10))
/// ```
public actor HubServer {
    private let configuration: HubConfiguration
    private let logger: Logger
    private var state = State.fresh

    private enum State {
        case fresh
        case running(RunningServer, HubCore, [Task<Void, Never>])
        case stopped
    }

    private static let sweepInterval = Duration.seconds(15)

    /// A hub that does nothing yet.
    public init(
        configuration: HubConfiguration,
        logger: Logger = Logger(label: "hub", factory: { _ in SwiftLogNoOpLogHandler() })
    ) {
        self.configuration = configuration
        self.logger = logger
    }

    /// Opens the store, binds, and takes requests from then on.
    ///
    /// - Returns: The address that was bound, with the port that the system picked where 0 was asked for.
    /// - Throws: `HubError` for what cannot be: an open hub on the network that was not asked for, files of TLS that cannot
    ///   be used, an address that cannot be had, a store that cannot be opened.
    @discardableResult
    public func start() async throws(HubError) -> HubAddress {
        guard case .fresh = state else { throw .startedBefore }
        guard !configuration.isOpen || configuration.isOpenToTheNetwork || HostName(configuration.host).isLoopback
        else {
            throw .openOnNetwork(configuration.host)
        }
        let names = try hubNames()
        guard configuration.isOpen || !names.isEmpty else { throw .unnamed(configuration.host) }
        state = .stopped
        let files = OpenFileLimit.raise(for: configuration.limits.connections)
        if files < configuration.limits.connections {
            logger.notice("the system allows fewer connections", metadata: ["limit": "\(files)"])
        }
        let store: HubStore
        do throws(StoreError) {
            store = try await HubStore(configuration.storeLocation, configuration: configuration.storeConfiguration)
        } catch {
            throw .store(error)
        }
        let core = makeCore(store, names)
        let listener = listen(core)
        do throws(ServingFailure) {
            let server = try await serve(core)
            state = .running(server, core, [listener, sweep(core)])
            logger.info(
                "started",
                metadata: [
                    "host": "\(server.host)", "port": "\(server.port)", "store": "\(configuration.storeName)",
                    "open": "\(configuration.isOpen)",
                ])
            return HubAddress(
                scheme: configuration.tls == nil ? "http" : "https", host: server.host, port: server.port)
        } catch {
            listener.cancel()
            await store.close()
            throw .serving(error)
        }
    }

    /// Takes no more connections, answers those that wait at once, lets the others finish for as long as `limit`, cuts
    /// them off then, and closes the store.
    public func stop(within limit: Duration) async {
        guard case .running(let server, let core, let tasks) = state else { return }
        state = .stopped
        logger.info("stopping")
        core.bell.stop()
        await server.stop(within: limit)
        for task in tasks { task.cancel() }
        await core.store.close()
        logger.info("stopped")
    }

    /// Whether the hub serves and its store answers.
    public var isHealthy: Bool {
        get async {
            guard case .running(_, let core, _) = state else { return false }
            return (try? await core.store.probe()) != nil
        }
    }

    // MARK: - Parts

    /// The configured names, or those of the certificate.
    private func hubNames() throws(HubError) -> HubNames {
        var names = configuration.names
        if names.isEmpty, let files = configuration.tls {
            let tls = ServerTLS(certificateChain: files.certificateChain, privateKey: files.privateKey)
            do throws(ServingFailure) { names = try tls.certificateNames() } catch { throw .serving(error) }
        }
        return HubNames(names, listeningOn: configuration.host, isSecure: configuration.tls != nil)
    }

    private func makeCore(_ store: HubStore, _ names: HubNames) -> HubCore {
        HubCore(
            configuration: configuration, store: store,
            access: Access(
                store: store, isOpen: configuration.isOpen, names: names,
                administrators: configuration.administrators,
                acceptsUnregistered: configuration.acceptsUnregistered, registered: RegisteredNames(store: store),
                counter: RequestCounter(rate: configuration.limits.requestsPerSecond)),
            bell: Bell(), room: StoreRoom(store: store, limits: configuration.limits),
            channels: ChannelBook(store: store),
            bandwidth: BandwidthBook(isEnforced: configuration.enforcesBandwidth), metrics: Metrics(), logger: logger,
            startedAt: .now(), started: .now)
    }

    /// Rings for those who wait whenever the store says that something came.
    private func listen(_ core: HubCore) -> Task<Void, Never> {
        // Begun here, so that nothing is missed that comes before the task runs.
        let changes = core.store.changes
        return Task {
            for await change in changes {
                switch change {
                case .mailbox(let name): core.bell.ring(name)
                case .everything: core.bell.ringAll()
                }
            }
        }
    }

    /// Removes what is due, a little at a time.
    private func sweep(_ core: HubCore) -> Task<Void, Never> {
        let logger = logger
        return Task {
            while !Task.isCancelled {
                do {
                    var hasMore = true
                    while hasMore, !Task.isCancelled { hasMore = try await core.store.sweep().hasMore }
                } catch {
                    logger.warning("the sweep failed", metadata: ["cause": "\(error)"])
                }
                try? await Task.sleep(for: Self.sweepInterval)
            }
        }
    }

    private func serve(_ core: HubCore) async throws(ServingFailure) -> RunningServer {
        let service = MuxService(core: core)
        let budget = BodyBudget(configuration.limits.bodies)
        let sockets = MuxSockets(core: core, service: service, budget: budget)
        var endpoints = MuxEndpoints(core: core, service: service).all + MuxConsumers(core: core).all
        endpoints += PollEndpoints(core: core).all + BlobEndpoints(core: core).all + RegistryEndpoints(core: core).all
        endpoints += WaitingEndpoints(core: core).all
        endpoints += OperationEndpoints(core: core).all(describing: endpoints)
        let responder = HubResponder(
            router: Router(endpoints), sockets: sockets, access: core.access,
            browserGuard: BrowserGuard(listeningOn: configuration.host, names: core.access.names.hosts),
            limits: configuration.limits, budget: budget, metrics: core.metrics, logger: logger)
        let limits = ServingLimits(
            headerTime: configuration.limits.headerTime, idleTime: configuration.limits.idleTime, minimumRate: 256)
        let http = HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                ConnectionGuard(limits: limits) { refusal in
                    JSONValue.object(["detail": .text(refusal.reason), "code": .text(refusal.code)]).text(.compact)
                },
                DepartureWatch(),
            ],
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100))
        let answer: HTTPChannelHandler.Responder = { request, writer, channel in
            try await responder.respond(request, writer, channel)
        }
        guard let files = configuration.tls else {
            return try await start(HTTP1Channel(responder: answer, configuration: http))
        }
        let tls = ServerTLS(certificateChain: files.certificateChain, privateKey: files.privateKey)
        let settings = try tls.configuration()
        let secure: HTTP2UpgradeChannel
        do {
            secure = try HTTP2UpgradeChannel(
                tlsConfiguration: settings,
                configuration: HTTP2ChannelConfiguration(
                    idleTimeout: configuration.limits.idleTime,
                    gracefulCloseTimeout: configuration.limits.stopTime, streamConfiguration: http),
                responder: answer)
        } catch {
            throw tls.failure(error)
        }
        return try await start(secure)
    }

    private func start(_ child: some ServerChildChannel) async throws(ServingFailure) -> RunningServer {
        try await RunningServer.start(
            LoopBoundConnections(child), host: configuration.host, port: configuration.port,
            connections: configuration.limits.connections,
            logger: Logger(label: "hub") { _ in SwiftLogNoOpLogHandler() })
    }
}

/// Where a hub listens.
public struct HubAddress: Sendable, Equatable, CustomStringConvertible {
    /// `http` or `https`.
    public let scheme: String
    /// The bound address as a number.
    public let host: String
    /// The bound port.
    public let port: Int

    /// The URL to give to clients.
    public var description: String { scheme + "://" + (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }
}
