internal import HummingbirdCore
internal import HummingbirdTLS
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import SystemPackage

/// Hummingbird's server, bound and taking connections.
struct RunningServer: Sendable {
    /// Where it listens.
    let address: HTTPListenerAddress

    private let task: Task<Void, Never>
    private let shutDown: @Sendable () async -> Void

    private enum Event: Sendable {
        case bound(host: String, port: Int)
        case failed(String)
    }

    /// Reads the files that `configuration` names, and binds.
    static func start(
        _ configuration: HTTPListenerConfiguration, logger: Logger, responder: InboxResponder
    ) async throws(HTTPListenerError) -> RunningServer {
        let limits = configuration.limits
        let http = HTTP1Channel(
            responder: { request, writer, channel in try await responder.respond(request, writer, channel) },
            configuration: HTTP1Channel.Configuration(
                additionalChannelHandlers: [ConnectionGuard(limits: limits)],
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100)))
        guard let tls = configuration.tls else {
            return try await serve(http, scheme: "http", configuration, logger)
        }
        let secure: TLSChannel<HTTP1Channel>
        do {
            secure = try TLSChannel(http, tlsConfiguration: try tlsConfiguration(tls))
        } catch {
            throw .misconfigured(
                "cannot serve https with '\(tls.certificateChain)' and '\(tls.privateKey)': \(error)",
                remedy: "check that both are PEM files, readable, and belong together")
        }
        return try await serve(secure, scheme: "https", configuration, logger)
    }

    private static func tlsConfiguration(_ files: HTTPListenerTLS) throws -> TLSConfiguration {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(files.certificateChain.string).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: files.privateKey.string, format: .pem)))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        if let authorities = files.clientAuthorities {
            configuration.trustRoots = .file(authorities.string)
            configuration.certificateVerification = .noHostnameVerification
        }
        return configuration
    }

    private static func serve<Child: ServerChildChannel>(
        _ child: Child, scheme: String, _ configuration: HTTPListenerConfiguration, _ logger: Logger
    ) async throws(HTTPListenerError) -> RunningServer {
        let (events, continuation) = AsyncStream<Event>.makeStream()
        let server = Server(
            childChannelSetup: child,
            configuration: ServerConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                availableConnectionsDelegate: MaximumAvailableConnections(
                    configuration.limits.connections, logger: logger)),
            onServerRunning: { channel in
                let local = channel.localAddress
                continuation.yield(
                    .bound(host: local?.ipAddress ?? configuration.host, port: local?.port ?? configuration.port))
            }, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        let task = Task {
            do { try await server.run() } catch { continuation.yield(.failed(BindFailure.text(of: error))) }
            continuation.finish()
        }
        let asked = "\(configuration.host):\(configuration.port)"
        switch await events.first(where: { _ in true }) {
        case .bound(let host, let port):
            return RunningServer(
                address: HTTPListenerAddress(scheme: scheme, host: host, port: port), task: task,
                shutDown: { try? await server.shutdownGracefully() })
        case .failed(let reason): throw .cannotBind(address: asked, reason: reason)
        case nil: throw .cannotBind(address: asked, reason: "the server ended at once")
        }
    }

    /// Takes no more connections, waits for those that are at something, and cuts them off after `limit`.
    func stop(within limit: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await shutDown() }
            group.addTask {
                if (try? await Task.sleep(for: limit)) != nil { task.cancel() }
            }
            await group.next()
            if !task.isCancelled { group.cancelAll() }
        }
        await task.value
    }
}
