internal import Glibc

/// The modes and times that an archive gives its folders, kept until the folders' contents are complete.
///
/// Up to 1 MiB is kept in memory, and the rest in a file without a name, so that memory does not depend on how many
/// folders there are.
final class FolderRecords {
    /// What an archive says of one folder.
    struct Record {
        let path: [UInt8]
        let mode: mode_t
        let seconds: Int64
        let nanoseconds: Int
    }

    private static let chunkBytes = 1 << 20
    private static let headBytes = 2 + 2 + 4 + 8

    private let place: OwnedFile
    private let largest: Int
    private var total = 0
    private var chunk: [UInt8] = []
    private var file: OwnedFile?
    private var written: [(offset: Int64, count: Int)] = []

    /// Records whose file lies in `place`, with paths of at most `largest` bytes together.
    init(in place: OwnedFile, largest: Int) {
        self.place = place
        self.largest = largest
    }

    /// Keeps a record. Its path has at most 65,535 bytes.
    func append(_ record: Record) throws(EnvelopeError) {
        total += record.path.count
        guard total <= largest else {
            throw .overLimit("the folders of the archive have names of more than \(largest) bytes together")
        }
        Self.append(UInt64(record.path.count), bytes: 2, to: &chunk)
        Self.append(UInt64(record.mode), bytes: 2, to: &chunk)
        Self.append(UInt64(clamping: record.nanoseconds), bytes: 4, to: &chunk)
        Self.append(UInt64(bitPattern: record.seconds), bytes: 8, to: &chunk)
        chunk += record.path
        if chunk.count >= Self.chunkBytes { try spill() }
    }

    /// Hands all records to `body`, the last first.
    func forEachReversed(_ body: (Record) throws(EnvelopeError) -> Void) throws(EnvelopeError) {
        try Self.forEachReversed(in: chunk, body)
        for (offset, count) in written.reversed() {
            let bytes = try EnvelopeError.wrapping { () throws(SystemFailure) in
                try file?.bytes(from: offset, atMost: count) ?? []
            }
            try Self.forEachReversed(in: bytes, body)
        }
    }

    private func spill() throws(EnvelopeError) {
        try EnvelopeError.wrapping { () throws(SystemFailure) in
            let file: OwnedFile
            if let opened = self.file { file = opened } else { file = try Self.unnamedFile(in: place) }
            self.file = file
            let offset = written.last.map { $0.offset + Int64($0.count) } ?? 0
            try file.write(bytes: chunk, at: offset)
            written.append((offset, chunk.count))
        }
        chunk.removeAll(keepingCapacity: true)
    }

    private static func unnamedFile(in place: OwnedFile) throws(SystemFailure) -> OwnedFile {
        let name = StagingName.fresh()
        let file = try OwnedFile(name, in: place, flags: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)
        unlinkat(place.descriptor, name, 0)
        return file
    }

    private static func forEachReversed(
        in chunk: [UInt8], _ body: (Record) throws(EnvelopeError) -> Void
    ) throws(EnvelopeError) {
        var starts: [Int] = []
        var position = 0
        while position + headBytes <= chunk.count {
            starts.append(position)
            position += headBytes + Int(number(in: chunk, at: position, bytes: 2))
        }
        guard position == chunk.count else { throw .library("the records of the folders were cut short") }
        for start in starts.reversed() {
            let path = start + headBytes
            try body(
                Record(
                    path: Array(chunk[path..<(path + Int(number(in: chunk, at: start, bytes: 2)))]),
                    mode: mode_t(number(in: chunk, at: start + 2, bytes: 2)),
                    seconds: Int64(bitPattern: number(in: chunk, at: start + 8, bytes: 8)),
                    nanoseconds: Int(number(in: chunk, at: start + 4, bytes: 4))))
        }
    }

    private static func append(_ number: UInt64, bytes: Int, to chunk: inout [UInt8]) {
        for index in 0..<bytes { chunk.append(UInt8(truncatingIfNeeded: number >> UInt64(8 * index))) }
    }

    private static func number(in chunk: [UInt8], at start: Int, bytes: Int) -> UInt64 {
        (0..<bytes).reduce(0) { $0 | UInt64(chunk[start + $1]) << UInt64(8 * $1) }
    }
}
