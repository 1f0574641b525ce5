internal import Dispatch

/// Runs calls that block on a thread of their own, so that no thread of the tasks' pool waits for a disk.
enum Blocking {
    static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue(label: "tcd.blocking").async {
                continuation.resume(with: Result { try body() })
            }
        }
    }
}
