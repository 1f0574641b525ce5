package import Fabric
internal import HTTPClient

/// Fetches the bytes of one blob from a hub, piece by piece.
///
/// How large a piece is follows the line, so that each comes well within the time after which a far side counts as
/// silent: pieces grow while they come within a second, and shrink when they take long.
package struct BlobDownload: Sendable {
    private let client: HubClient
    private let id: String
    private let name: ArrivalName
    private let size: Int64

    private static let firstPiece: Int64 = 256 << 10
    private static let largestPiece: Int64 = 4 << 20
    private static let smallestPiece: Int64 = 16 << 10

    /// A download of the blob `id`, which claims to have `size` bytes. `name` is for errors.
    package init(client: HubClient, id: String, name: ArrivalName, size: Int64) {
        self.client = client
        self.id = id
        self.name = name
        self.size = size
    }

    /// Writes the bytes from `offset` to the end into `sink`, in order.
    ///
    /// - Throws: `corrupted` when the blob has fewer or more bytes than it claims.
    package func copy(into sink: any EnvelopeSink, from offset: Int64) async throws(CopyError) {
        var place = offset
        var wanted = Self.firstPiece
        while place < size {
            let begun = ContinuousClock.now
            let piece = try await piece(at: place, count: min(wanted, size - place))
            let taken = ContinuousClock.now - begun
            try await BlockingCall.run { _ throws(CopyError) in
                do throws(LaneError) {
                    try piece.withUnsafeBufferPointer { bytes throws(LaneError) in
                        try sink.write(UnsafeRawBufferPointer(bytes))
                    }
                } catch {
                    throw .sink(error)
                }
            }
            place += Int64(piece.count)
            if taken < .seconds(1) {
                wanted = min(wanted * 2, Self.largestPiece)
            } else if taken > client.stallTime / 4 {
                wanted = max(wanted / 2, Self.smallestPiece)
            }
        }
    }

    /// `count` bytes from `offset` on.
    private func piece(at offset: Int64, count: Int64) async throws(CopyError) -> [UInt8] {
        do throws(CarrierError) {
            let reader = client.agent.map { "?agent=" + $0.name.asQueryValue } ?? ""
            let answer = try await client.perform(
                .get, "/api/blobs/\(id)/content\(reader)",
                headers: [("Range", "bytes=\(offset)-\(offset + count - 1)")], largestAnswer: Int(count))
            switch answer.status {
            case 206: try check(answer, offset)
            case 200 where offset == 0: break
            case 416: throw otherSize("fewer than \(offset + 1)")
            default: throw client.error(HubAnswer(answer))
            }
            // What is cut came from a hub that reads a range as 'from here on'.
            guard Int64(answer.body.count) == count else { throw otherSize(String(offset + Int64(answer.body.count))) }
            return answer.body
        } catch {
            throw .source(error)
        }
    }

    /// Compares `Content-Range: bytes first-last/all` with what was asked for and what is claimed.
    private func check(_ answer: Answer, _ offset: Int64) throws(CarrierError) {
        guard let range = answer["Content-Range"], range.hasPrefix("bytes ") else {
            throw client.unexpected("has a part of a blob, and does not say which")
        }
        let parts = range.dropFirst(6).split(separator: "/")
        guard parts.count == 2, parts[0].hasPrefix("\(offset)-") else {
            throw client.unexpected("has another part of a blob than was asked for")
        }
        guard parts[1] == "\(size)" || parts[1] == "*" else { throw otherSize(String(parts[1].prefix(20))) }
    }

    private func otherSize(_ count: String) -> CarrierError {
        CarrierError(
            .corrupted, .giveUp, "\(client.purpose): '\(name)' has \(count) bytes where \(size) were announced")
    }
}
