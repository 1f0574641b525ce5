package import Fabric
internal import FoundationEssentials
internal import Synchronization
package import SystemPackage

/// The messages of one mailbox that were dealt with, on stable storage: what a server without leases gives again is so
/// dealt with once (`ipoll.md`, section 4).
///
/// Each message is an empty file, named by the digest of its id, in a folder of the day on which it was remembered; after
/// `daysKept` days a folder goes. Several processes may use one set. All calls but `contains` block.
package final class SeenPolls: Sendable {
    /// How long messages are remembered, in days: longer than any server keeps them (`ipoll.md`, section 6).
    package static let daysKept: Int64 = 31

    private let directory: FilePath
    private let known: Mutex<Set<Digest>>

    /// Opens the set of what was read in the mailbox `mailbox` of `server` below `directory`, making it where it is
    /// missing when something is remembered. What is older than is kept is removed.
    package init(
        in directory: FilePath, server: String, mailbox: String, at moment: Timestamp = .now()
    ) {
        // The server's address may hold what a file name cannot.
        let name = Digest(of: Array((server + "\n" + mailbox).utf8)).hex
        self.directory = directory.appending(name)
        let oldest = Timestamp(seconds: moment.seconds - Self.daysKept * 86400).surfaceDate
        var known: Set<Digest> = []
        for day in Self.names(in: self.directory) where Timestamp(iso8601: day + "T00:00:00Z") != nil {
            let folder = self.directory.appending(day)
            guard day >= oldest else {
                try? FileManager.default.removeItem(atPath: folder.string)
                continue
            }
            known.formUnion(Self.names(in: folder).compactMap { Digest(hex: $0) })
        }
        self.known = Mutex(known)
    }

    /// Whether the message was dealt with, here or, as far as was known when this was opened, by another process.
    package func contains(_ id: String) -> Bool { known.withLock { $0.contains(Self.digest(id)) } }

    /// Whether the message was dealt with by anybody up to now.
    package func isRemembered(_ id: String) -> Bool {
        let digest = Self.digest(id)
        if known.withLock({ $0.contains(digest) }) { return true }
        let isThere = Self.names(in: directory).contains { day in
            FileManager.default.fileExists(atPath: directory.appending(day).appending(digest.hex).string)
        }
        if isThere { known.withLock { _ = $0.insert(digest) } }
        return isThere
    }

    /// Remembers that the message was dealt with. On return that is on stable storage.
    package func remember(_ id: String, at moment: Timestamp = .now()) throws(SystemFailure) {
        let digest = Self.digest(id)
        try ReplaceableFile.replace(directory.appending(moment.surfaceDate).appending(digest.hex), with: [])
        known.withLock { _ = $0.insert(digest) }
    }

    /// An id is a text of the server's, so it is never a file name.
    private static func digest(_ id: String) -> Digest { Digest(of: Array(id.utf8)) }

    private static func names(in directory: FilePath) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []
    }
}
