internal import Fabric
internal import HTTPServing
internal import HTTPTypes
internal import HummingbirdCore
internal import NIOCore
internal import Synchronization

/// Carries a request's body to where it is stored, in large pieces, on threads that may block.
struct BodyReceiver: Sendable {
    let work: BlockingWork

    /// How many bytes are gathered before they are written: a network read brings a few kilobytes.
    private static let pieceSize = 1 << 20

    /// Writes the body to its end, or to where it breaks off.
    ///
    /// While one piece is being written the next is gathered; never more than two are in memory.
    ///
    /// - Returns: The number of bytes written, which is less than `count` when the connection ended early.
    /// - Throws: 408 for a body that comes too slowly, after writing what came; the lane's refusal when a write fails.
    func receive(
        _ body: RequestBody, upTo count: Int64, reportingTo activity: BodyActivity = BodyActivity(),
        into write: @escaping @Sendable (UnsafeRawBufferPointer) throws(LaneError) -> Void
    ) async throws(Refusal) -> Int64 {
        var piece = ByteBuffer()
        piece.reserveCapacity(Int(min(count, Int64(Self.pieceSize))))
        var total: Int64 = 0
        var isSlow = false
        var writing: PendingWrite?
        var iterator = body.makeAsyncIterator()
        reading: while total < count {
            do {
                activity.isListening.store(true, ordering: .relaxed)
                defer { activity.isListening.store(false, ordering: .relaxed) }
                guard var chunk = try await iterator.next() else { break reading }
                activity.chunks.add(1, ordering: .relaxed)
                total += Int64(chunk.readableBytes)
                piece.writeBuffer(&chunk)
            } catch is SlowRequest {
                isSlow = true
                break reading
            } catch {
                // Reset, cut, or not HTTP any more: nothing further comes.
                break reading
            }
            if piece.readableBytes >= Self.pieceSize {
                try await writing?.finish()
                writing = PendingWrite(piece, work, write)
                piece = ByteBuffer()
                piece.reserveCapacity(Self.pieceSize)
            }
        }
        try await writing?.finish()
        try await PendingWrite(piece, work, write).finish()
        if isSlow { throw Refusal(.requestTimeout, "too-slow", "the body came too slowly") }
        return total
    }
}

/// Whether anything comes on a connection, for others to see.
final class BodyActivity: Sendable {
    /// How many times bytes came.
    fileprivate let chunks = Atomic<Int>(0)
    /// Whether the connection is waited for, rather than the disk.
    fileprivate let isListening = Atomic<Bool>(false)

    /// What was seen at one moment.
    struct Sighting: Equatable {
        fileprivate let chunks: Int
        /// Whether only the connection could bring things forward.
        let isListening: Bool
    }

    /// What can be seen now. Two equal sightings of a listening connection have silence between them.
    var sighting: Sighting {
        Sighting(
            chunks: chunks.load(ordering: .relaxed), isListening: isListening.load(ordering: .relaxed))
    }
}

/// A piece on its way to the disk.
private struct PendingWrite {
    private let task: Task<LaneError?, Never>

    init(
        _ piece: ByteBuffer, _ work: BlockingWork,
        _ write: @escaping @Sendable (UnsafeRawBufferPointer) throws(LaneError) -> Void
    ) {
        task = Task {
            await work.run { () -> LaneError? in
                piece.withUnsafeReadableBytes { bytes -> LaneError? in
                    do throws(LaneError) { try write(bytes) } catch { return error }
                    return nil
                }
            }
        }
    }

    func finish() async throws(Refusal) {
        if let error = await task.value { throw Refusal(error) }
    }
}
