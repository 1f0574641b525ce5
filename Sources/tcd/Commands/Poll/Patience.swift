internal import Fabric

/// Asks again for as long as somebody is willing to wait, when asking again can help.
struct Patience: Sendable {
    private let deadline: ContinuousClock.Instant?

    /// Patience for `time` from now on; none at all for nil.
    init(_ time: Duration?) { deadline = time.map { .now + $0 } }

    /// What `body` returns, at the first attempt that does. Between attempts it waits for as long as the far side said,
    /// or a second and twice as long each time.
    ///
    /// - Throws: The last error.
    func ask<Value: Sendable>(
        _ body: () async throws(CarrierError) -> Value
    ) async throws(CarrierError) -> Value {
        var troubles = Troubles()
        while true {
            do throws(CarrierError) {
                return try await body()
            } catch {
                guard case .retry(let told) = error.action, let deadline else { throw error }
                _ = troubles.note(error.explanation)
                let next = ContinuousClock.now + max(told ?? .zero, troubles.pause)
                guard next < deadline, (try? await Task.sleep(until: next, clock: .continuous)) != nil else {
                    throw error
                }
            }
        }
    }
}
