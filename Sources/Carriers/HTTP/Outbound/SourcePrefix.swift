internal import Fabric
internal import Synchronization

/// Reading from a source before anything is sent.
enum SourcePrefix {
    /// Throws unless the source has exactly `size` bytes.
    static func check(_ source: any EnvelopeSource, size: Int64) async throws(CarrierError) {
        let fits = try await reading { () throws(SystemFailure) in
            guard try count(source, at: size) == 0 else { return false }
            let last = size == 0 ? 1 : try count(source, at: size - 1)
            return last == 1
        }
        guard fits else {
            throw CarrierError(
                .corrupted, .giveUp, "the envelope has not the \(size) bytes that it was sealed with",
                remedy: "seal it again")
        }
    }

    /// The SHA-256 of the first `count` bytes; nil when there are fewer.
    static func digest(_ source: any EnvelopeSource, first count: Int64) async throws(CarrierError) -> Digest? {
        let isCancelled = Flag()
        let result = await withTaskCancellationHandler { () async -> Result<Digest?, CarrierError> in
            do throws(CarrierError) {
                return .success(
                    try await reading { () throws(SystemFailure) in
                        try digest(source, first: count, until: isCancelled)
                    })
            } catch {
                return .failure(error)
            }
        } onCancel: {
            isCancelled.raise()
        }
        return try result.get()
    }

    private static func digest(
        _ source: any EnvelopeSource, first count: Int64, until isCancelled: Flag
    ) throws(SystemFailure) -> Digest? {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { buffer.deallocate() }
        var hasher = DigestHasher()
        var offset: Int64 = 0
        while offset < count {
            let wanted = Int(min(Int64(buffer.count), count - offset))
            let got = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]), at: offset)
            if got == 0 || isCancelled.isRaised { return nil }
            hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<got]))
            offset += Int64(got)
        }
        return hasher.finish()
    }

    private static func count(_ source: any EnvelopeSource, at offset: Int64) throws(SystemFailure) -> Int {
        let byte = UnsafeMutableRawBufferPointer.allocate(byteCount: 1, alignment: 1)
        defer { byte.deallocate() }
        return try source.read(into: byte, at: offset)
    }

    private static func reading<Value: Sendable>(
        _ body: @escaping @Sendable () throws(SystemFailure) -> Value
    ) async throws(CarrierError) -> Value {
        do {
            return try await BlockingWork.shared.run(body)
        } catch {
            throw CarrierError(local: error, "cannot read the envelope")
        }
    }
}

/// Something that can be raised once, from any thread.
private final class Flag: Sendable {
    private let value = Atomic<Bool>(false)

    var isRaised: Bool { value.load(ordering: .acquiring) }

    func raise() { value.store(true, ordering: .releasing) }
}
