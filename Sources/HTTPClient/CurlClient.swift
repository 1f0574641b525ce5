internal import CCurl
internal import Synchronization

/// Makes requests on one thread of its own, where one curl multi handle keeps connections for the next request.
///
/// The thread ends when the client is let go of; requests that are still under way then fail as cancelled.
package final class CurlClient: Sendable {
    private let configuration: HTTPClientConfiguration
    private let loop = Mutex<CurlLoop?>(nil)

    /// Nothing is started before the first request.
    package init(configuration: HTTPClientConfiguration) {
        self.configuration = configuration
    }

    deinit { loop.withLock { $0?.stop() } }

    /// Why libcurl cannot be loaded on this machine; nil when it can.
    package static var loadingProblem: String? { CurlLoop.loadingProblem }

    /// Makes one request and returns the answer, whatever its status. Cancelling the task ends it at once.
    ///
    /// - Throws: Why there is no answer.
    package func perform(_ request: OutgoingRequest) async throws(RequestFailure) -> Answer {
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
