internal import Fabric
internal import SystemPackage
internal import Triage

/// A fork that came in, held for this listener until it is settled.
struct OfferedFork: Sendable {
    /// In what it came.
    enum Form: Sendable {
        /// In a message of the hub at `hub`.
        case message(ForkMessage, hub: String)
        /// In the envelope in a file, under the name that its sender asked for.
        case envelope(FilePath, requestedName: String)
    }

    let form: Form
    /// Where a sealed receipt can go, by the way that it came; nil where that tells nothing.
    var returnTarget: DeliveryTarget?
    /// For how long it is held, from now on; nil for as long as this process lives.
    var lease: Duration?
    /// Tells whoever offered it what became of it.
    let settle: @Sendable (Settlement) async throws -> Void

    /// Does `body` while the lease is extended each time that half of it has gone by.
    func held<Value: Sendable>(while body: () async throws -> Value) async rethrows -> Value {
        guard let lease else { return try await body() }
        let settle = settle
        let keeper = Task {
            while (try? await Task.sleep(for: lease / 2)) != nil {
                // If it is lost, settling will say so.
                try? await settle(.extend(lease))
            }
        }
        defer { keeper.cancel() }
        return try await body()
    }
}
