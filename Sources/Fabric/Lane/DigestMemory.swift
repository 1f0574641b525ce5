internal import Glibc

/// What files were found to hash to, for as long as they are unchanged, so that none is read again for a question that
/// was answered before. Bounded; the oldest answer is forgotten first.
struct DigestMemory: Sendable {
    /// What tells an unchanged file: any write or rename changes one of these.
    struct FileState: Hashable, Sendable {
        private let device: UInt64
        private let inode: UInt64
        private let size: Int64
        private let modified: [Int]
        private let changed: [Int]

        init(_ status: stat) {
            device = UInt64(status.st_dev)
            inode = UInt64(status.st_ino)
            size = Int64(status.st_size)
            modified = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
            changed = [status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
        }
    }

    private static let capacity = 4096
    private var digests: [FileState: Digest] = [:]
    private var order: [FileState] = []
    private var next = 0

    /// The digest of the file in this state; nil when it is not known.
    subscript(_ file: FileState) -> Digest? { digests[file] }

    /// Remembers that the file in this state has this digest.
    mutating func remember(_ digest: Digest, of file: FileState) {
        guard digests.updateValue(digest, forKey: file) == nil else { return }
        if order.count < Self.capacity {
            order.append(file)
        } else {
            digests[order[next]] = nil
            order[next] = file
            next = (next + 1) % Self.capacity
        }
    }
}
