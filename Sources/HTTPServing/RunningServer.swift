package import HummingbirdCore
package import Logging
internal import NIOCore
internal import NIOPosix

/// Hummingbird's server, bound and taking connections.
package struct RunningServer: Sendable {
    /// The bound address as a number.
    package let host: String
    /// The bound port.
    package let port: Int

    private let task: Task<Void, Never>
    private let shutDown: @Sendable () async -> Void

    private enum Event: Sendable {
        case bound(host: String, port: Int)
        case failed(String)
    }

    /// Binds, and takes at most `connections` connections at a time, each handled by `child`.
    ///
    /// - Throws: `cannotBind` for an address that cannot be had.
    package static func start(
        _ child: some ServerChildChannel, host: String, port: Int, connections: Int, logger: Logger
    ) async throws(ServingFailure) -> RunningServer {
        let (events, continuation) = AsyncStream<Event>.makeStream()
        let server = Server(
            childChannelSetup: child,
            configuration: ServerConfiguration(
                address: .hostname(host, port: port), backlog: 1024,
                availableConnectionsDelegate: MaximumAvailableConnections(connections, logger: logger)),
            onServerRunning: { channel in
                let local = channel.localAddress
                continuation.yield(.bound(host: local?.ipAddress ?? host, port: local?.port ?? port))
            }, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        let task = Task {
            do { try await server.run() } catch { continuation.yield(.failed(BindFailure.text(of: error))) }
            continuation.finish()
        }
        let asked = "\(host):\(port)"
        switch await events.first(where: { _ in true }) {
        case .bound(let host, let port):
            return RunningServer(
                host: host, port: port, task: task, shutDown: { try? await server.shutdownGracefully() })
        case .failed(let reason): throw .cannotBind(address: asked, reason: reason)
        case nil: throw .cannotBind(address: asked, reason: "the server ended at once")
        }
    }

    /// Takes no more connections, waits for those that are at something, and cuts them off after `limit`.
    package func stop(within limit: Duration) async {
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
