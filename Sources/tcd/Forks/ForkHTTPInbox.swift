internal import CarrierHTTP
internal import Fabric
internal import Logging
internal import SystemPackage

extension ForkHTTPOptions {
    /// Starts an HTTP inbox that puts what comes into `inbox`, and stops it when the source is cancelled. The directory's
    /// watcher offers what came.
    func source(into inbox: FilePath, output: OutputOptions) async throws -> ForkListener.Source {
        let (configuration, reserve) = (try listener.configuration(), try listener.reserve())
        let lane = try await Blocking.run { try Lane(directory: inbox, reserve: reserve) }
        let server = HTTPListener(
            configuration: configuration, lane: lane, logger: Logger(label: "http") { _ in SwiftLogNoOpLogHandler() })
        let address = try await server.start()
        if output.json {
            Terminal.say(
                JSONLine([
                    ("event", "inbox"), ("url", .text(address.description)), ("port", .number(Int64(address.port))),
                    ("inbox", .text(inbox.string)),
                ]))
        } else {
            Terminal.note("listening on \(address), inbox '\(inbox)'")
        }
        return { _ in
            await withTaskCancellationHandler {
                for await _ in server.arrivals {}
            } onCancel: {
                Task { await server.stop() }
            }
            await server.stop()
        }
    }
}
