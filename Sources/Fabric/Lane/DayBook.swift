internal import FoundationEssentials
internal import Synchronization
package import SystemPackage

/// Texts that are remembered for some days on stable storage: what was dealt with, so that it is dealt with once.
///
/// Each is an empty file, named by the digest of the text, in a folder of the day on which it was remembered; when it is
/// opened, folders that are too old go. Several processes may use one book. All calls but `contains` block.
package final class DayBook: Sendable {
    private let directory: FilePath
    private let known: Mutex<Set<Digest>>

    /// Opens the book in `directory`, which is made when something is remembered.
    ///
    /// - Parameter days: For how long something is remembered.
    package init(directory: FilePath, keeping days: Int64, at moment: Timestamp = .now()) {
        self.directory = directory
        let oldest = Timestamp(seconds: moment.seconds - days * 86400).surfaceDate
        var known: Set<Digest> = []
        for day in Self.names(in: directory) where Timestamp(iso8601: day + "T00:00:00Z") != nil {
            let folder = directory.appending(day)
            guard day >= oldest else {
                try? FileManager.default.removeItem(atPath: folder.string)
                continue
            }
            known.formUnion(Self.names(in: folder).compactMap { Digest(hex: $0) })
        }
        self.known = Mutex(known)
    }

    /// Whether the text was remembered here or, as far as was known when this was opened, by another process.
    package func contains(_ text: String) -> Bool { known.withLock { $0.contains(Self.digest(text)) } }

    /// Whether the text was remembered by anybody up to now.
    package func isRemembered(_ text: String) -> Bool {
        let digest = Self.digest(text)
        if known.withLock({ $0.contains(digest) }) { return true }
        let isThere = Self.names(in: directory).contains { day in
            FileManager.default.fileExists(atPath: directory.appending(day).appending(digest.hex).string)
        }
        if isThere { known.withLock { _ = $0.insert(digest) } }
        return isThere
    }

    /// Remembers the text. On return that is on stable storage.
    package func remember(_ text: String, at moment: Timestamp = .now()) throws(SystemFailure) {
        let digest = Self.digest(text)
        try ReplaceableFile.replace(directory.appending(moment.surfaceDate).appending(digest.hex), with: [])
        known.withLock { _ = $0.insert(digest) }
    }

    /// A text may come from anywhere, so it is never a file name.
    private static func digest(_ text: String) -> Digest { Digest(of: Array(text.utf8)) }

    private static func names(in directory: FilePath) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []
    }
}
