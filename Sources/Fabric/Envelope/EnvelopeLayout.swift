/// An envelope file in the making: where its blocks stand, and how the front comes to fit before them.
///
/// The manifest stands before the blocks but is known only after them. So the blocks are written behind a gap that is
/// as long as the manifest will be, as far as one can tell. If the front does not fit it exactly, the blocks are moved.
struct EnvelopeLayout {
    private let file: OwnedFile
    private let start: Int64
    private var position: Int64
    private var blocks = 0

    /// A layout that leaves `gap` bytes for header and manifest; 12, the header alone, where nothing is known.
    init(file: OwnedFile, gap: Int64?) {
        self.file = file
        start = gap ?? 12
        position = start
    }

    /// The length that the manifest should have for the blocks to stay where they are.
    var manifestLength: Int { Int(start) - 12 }

    /// Appends a block that is at hand (`envelope.md`, section 1).
    mutating func append(_ block: UnsafeRawBufferPointer) throws(EnvelopeError) {
        let place = position
        try EnvelopeError.wrapping { () throws(SystemFailure) in
            try file.write(bytes: Self.bigEndian(block.count), at: place)
            try file.write(block, at: place + 4)
        }
        position += 4 + Int64(block.count)
        blocks += 1
    }

    /// Appends a block of `size` bytes that `next` gives piece by piece.
    mutating func append(
        size: Int64, next: (_ offset: Int64) throws(EnvelopeError) -> UnsafeRawBufferPointer
    ) throws(EnvelopeError) {
        let place = position
        try EnvelopeError.wrapping { () throws(SystemFailure) in
            try file.write(bytes: Self.bigEndian(Int(size)), at: place)
        }
        var done: Int64 = 0
        while done < size {
            let bytes = try next(done)
            let offset = place + 4 + done
            try EnvelopeError.wrapping { () throws(SystemFailure) in try file.write(bytes, at: offset) }
            done += Int64(bytes.count)
        }
        position += 4 + size
        blocks += 1
    }

    /// Puts header and manifest before the blocks.
    ///
    /// - Returns: The length of the file.
    mutating func complete(manifest: [UInt8]) throws(EnvelopeError) -> Int64 {
        let front =
            [0x54, 0x42, 0x5a, 0x01] + Self.bigEndian(blocks + 1) + Self.bigEndian(manifest.count) + manifest
        if Int64(front.count) != start { try moveBlocks(to: Int64(front.count)) }
        try EnvelopeError.wrapping { () throws(SystemFailure) in try file.write(bytes: front, at: 0) }
        return position + Int64(front.count) - start
    }

    /// Moves all blocks within the file, from the end that nothing unread is overwritten from.
    private func moveBlocks(to new: Int64) throws(EnvelopeError) {
        let total = position - start
        let buffer = Memory(byteCount: 1 << 20)
        var moved: Int64 = 0
        try EnvelopeError.wrapping { () throws(SystemFailure) in
            while moved < total {
                let count = min(Int64(buffer.bytes.count), total - moved)
                let place = new > start ? total - moved - count : moved
                _ = try file.read(into: buffer.prefix(Int(count)), at: start + place)
                try file.write(buffer.read(Int(count)), at: new + place)
                moved += count
            }
            if new < start { try file.truncate(to: new + total) }
        }
    }

    private static func bigEndian(_ number: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    }
}
