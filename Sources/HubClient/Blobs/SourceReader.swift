package import Fabric

/// Reads the source of one envelope piece by piece, on threads that may block.
package struct SourceReader: Sendable {
    /// The open source.
    package let source: any EnvelopeSource
    private let size: Int64

    /// Opens the source of `envelope`, which must have exactly the announced number of bytes.
    ///
    /// - Throws: `corrupted` when it has fewer or more; `cancelled`.
    package init(_ envelope: SealedEnvelope) async throws(CarrierError) {
        size = envelope.size
        source = try await Self.reading { () throws(SystemFailure) in try envelope.open() }
        let (source, size) = (source, size)
        let fits = try await Self.reading { () throws(SystemFailure) in
            guard try Self.bytes(source, at: size, atMost: 1).isEmpty else { return false }
            return size == 0 ? true : try Self.bytes(source, at: size - 1, atMost: 1).count == 1
        }
        guard fits else { throw Self.otherSize(size) }
    }

    /// The bytes from `offset` on, as many as there are up to `count`; all of those, and never none before the end.
    ///
    /// - Throws: `corrupted` when the source ends before its announced size.
    package func piece(at offset: Int64, atMost count: Int) async throws(CarrierError) -> [UInt8] {
        let wanted = Int(max(0, min(Int64(count), size - offset)))
        let source = source
        let piece = try await Self.reading { () throws(SystemFailure) in
            try Self.bytes(source, at: offset, atMost: wanted)
        }
        guard piece.count == wanted else { throw Self.otherSize(size) }
        return piece
    }

    private static func bytes(
        _ source: any EnvelopeSource, at offset: Int64, atMost count: Int
    ) throws(SystemFailure) -> [UInt8] {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, count), alignment: 64)
        defer { buffer.deallocate() }
        var filled = 0
        while filled < count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<count])
            let got = try source.read(into: rest, at: offset + Int64(filled))
            if got == 0 { break }
            filled += got
        }
        return Array(buffer[..<filled])
    }

    private static func otherSize(_ size: Int64) -> CarrierError {
        CarrierError(
            .corrupted, .giveUp, "the envelope has not the \(size) bytes that it was sealed with",
            remedy: "seal it again")
    }

    private static func reading<Value: Sendable>(
        _ body: @escaping @Sendable () throws(SystemFailure) -> Value
    ) async throws(CarrierError) -> Value {
        guard !Task.isCancelled else {
            throw CarrierError(.cancelled, .retry(after: nil), "the delivery was cancelled")
        }
        do throws(SystemFailure) {
            return try await BlockingCall.run { _ throws(SystemFailure) in try body() }
        } catch {
            throw CarrierError(local: error, "cannot read the envelope")
        }
    }
}
