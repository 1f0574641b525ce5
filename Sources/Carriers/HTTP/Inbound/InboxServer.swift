internal import HTTPServing
internal import HummingbirdCore
internal import HummingbirdTLS
internal import Logging

/// The server of an inbox, as its configuration asks for.
enum InboxServer {
    /// Reads the files that `configuration` names, and binds.
    static func start(
        _ configuration: HTTPListenerConfiguration, logger: Logger, responder: InboxResponder
    ) async throws(HTTPListenerError) -> RunningServer {
        do throws(ServingFailure) {
            return try await serve(configuration, logger, responder)
        } catch {
            switch error {
            case .misconfigured(let reason, let remedy): throw .misconfigured(reason, remedy: remedy)
            case .cannotBind(let address, let reason): throw .cannotBind(address: address, reason: reason)
            }
        }
    }

    private static func serve(
        _ configuration: HTTPListenerConfiguration, _ logger: Logger, _ responder: InboxResponder
    ) async throws(ServingFailure) -> RunningServer {
        let limits = configuration.limits
        let serving = ServingLimits(
            headerTime: limits.headerTime, idleTime: limits.idleTime, minimumRate: limits.minimumRate)
        let http = HTTP1Channel(
            responder: { request, writer, channel in try await responder.respond(request, writer, channel) },
            configuration: HTTP1Channel.Configuration(
                additionalChannelHandlers: [
                    ConnectionGuard(limits: serving) { ErrorBody(error: $0.code, reason: $0.reason).json }
                ],
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100)))
        guard let files = configuration.tls else {
            return try await RunningServer.start(
                http, host: configuration.host, port: configuration.port, connections: limits.connections,
                logger: logger)
        }
        let tls = ServerTLS(
            certificateChain: files.certificateChain, privateKey: files.privateKey,
            clientAuthorities: files.clientAuthorities)
        let settings = try tls.configuration()
        let secure: TLSChannel<HTTP1Channel>
        do { secure = try TLSChannel(http, tlsConfiguration: settings) } catch { throw tls.failure(error) }
        return try await RunningServer.start(
            secure, host: configuration.host, port: configuration.port, connections: limits.connections,
            logger: logger)
    }
}
