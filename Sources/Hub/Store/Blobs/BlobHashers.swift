internal import Fabric
internal import Synchronization

/// The digests of blobs that are being uploaded, as far as their bytes are durable: so that completing one does not read
/// it all again. Only in memory, and only for those that were worked on last; what is not here is read again.
final class BlobHashers: Sendable {
    private struct Entry {
        let offset: Int64
        let hasher: DigestHasher
        let age: Int
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var clock = 0
    }

    private let state = Mutex(State())
    private static let most = 1024

    /// The hasher that has seen the first `offset` bytes; nil where that is not known.
    func hasher(of blob: String, at offset: Int64) -> DigestHasher? {
        if offset == 0 { return DigestHasher() }
        return state.withLock { state in
            guard let entry = state.entries[blob], entry.offset == offset else { return nil }
            return entry.hasher
        }
    }

    func keep(_ hasher: DigestHasher, of blob: String, at offset: Int64) {
        state.withLock { state in
            state.clock += 1
            if state.entries.count >= Self.most, state.entries[blob] == nil {
                let oldest = state.entries.min { $0.value.age < $1.value.age }
                if let oldest { state.entries[oldest.key] = nil }
            }
            state.entries[blob] = Entry(offset: offset, hasher: hasher, age: state.clock)
        }
    }

    func forget(_ blob: String) { _ = state.withLock { $0.entries.removeValue(forKey: blob) } }
}
