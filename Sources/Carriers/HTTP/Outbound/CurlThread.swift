internal import CCurl
internal import Synchronization

/// Makes requests on one thread of its own, where one curl multi handle keeps connections for the next request.
final class CurlThread: Sendable {
    private let configuration: HTTPCarrierConfiguration
    private let loop = Mutex<CurlLoop?>(nil)

    /// Nothing is started before the first request.
    init(configuration: HTTPCarrierConfiguration) {
        self.configuration = configuration
    }

    deinit { loop.withLock { $0?.stop() } }

    /// Makes one request. Cancelling the task ends it at once.
    func perform(_ request: OutgoingRequest) async throws(RequestFailure) -> Answer {
        guard let loop = startedLoop() else { throw failedStart }
        let transfer = CurlTransfer(request, configuration)
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                transfer.continuation = continuation
                loop.add(transfer)
            }
        } onCancel: {
            transfer.isCancelled.store(true, ordering: .releasing)
            loop.wake()
        }
        return try result.get()
    }

    private var failedStart: RequestFailure {
        let detail = CurlLoop.loadingProblem.map { "libcurl cannot be loaded: \($0)" } ?? "no thread came about"
        return .curl(code: CURLE_FAILED_INIT.rawValue, detail: detail)
    }

    private func startedLoop() -> CurlLoop? {
        loop.withLock { loop in
            if loop == nil { loop = CurlLoop.start(tick: configuration.stallTime / 16) }
            return loop
        }
    }
}
