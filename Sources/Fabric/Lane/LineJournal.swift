internal import Glibc
internal import Synchronization
package import SystemPackage

/// Lines of text that are remembered for a while, over restarts: what was appended within `lifetime` is there when the
/// journal is opened again, unless there were more than `capacity` lines.
///
/// Two files in a directory that is made with the first line: `current`, and `previous`, which it becomes when its first
/// line is older than `lifetime` or it has `capacity` lines. Lines are written at once and not synced: the end of a
/// process loses none, a power failure may lose the last ones. For one process at a time. All calls block.
package final class LineJournal: Sendable {
    /// The lines that were there when the journal was opened, oldest first, each with the second of its time.
    package let earlier: [(seconds: Int64, line: String)]

    private let directory: FilePath
    private let lifetime: Int64
    private let capacity: Int
    private let state: Mutex<State>

    private struct State: Sendable {
        var file: OwnedFile?
        var size: Int64 = 0
        var began: Int64?
        var count = 0
    }

    /// The most that is read of a file: lines are short, so more is no journal of ours.
    private static let largestFile = 64 << 20

    /// Opens the journal in `directory`, whether or not that exists.
    package init(directory: FilePath, keeping lifetime: Duration, capacity: Int, at moment: Timestamp = .now()) {
        self.directory = directory
        self.lifetime = max(1, lifetime.components.seconds)
        self.capacity = capacity
        let current = Self.lines(in: directory.appending("current"))
        let oldest = moment.seconds - self.lifetime
        // A clock that was set back makes lines of the future, which are kept as if they were of now.
        earlier = (Self.lines(in: directory.appending("previous")) + current).filter { $0.seconds >= oldest }
        state = Mutex(State(began: current.first?.seconds, count: current.count))
    }

    /// Remembers `line`, which has no line feed.
    package func append(_ line: String, at moment: Timestamp = .now()) throws(SystemFailure) {
        try state.withLock { state throws(SystemFailure) in
            try open(&state, at: moment.seconds)
            guard let file = state.file else { return }
            let bytes = Array("\(moment.seconds) \(line)\n".utf8)
            try file.write(bytes, at: state.size)
            state.size += Int64(bytes.count)
            state.count += 1
        }
    }

    /// Makes `current` the file to write to, and begins a new one when it is full or old.
    private func open(_ state: inout State, at seconds: Int64) throws(SystemFailure) {
        if let began = state.began, state.count >= capacity || seconds - began >= lifetime || seconds < began {
            let (current, previous) = (directory.appending("current"), directory.appending("previous"))
            guard rename(current.string, previous.string) == 0 || errno == ENOENT else {
                throw .current("cannot rename '\(current)'")
            }
            state = State()
        }
        guard state.file == nil else { return }
        try Directories.create(directory)
        let file = try OwnedFile(path: directory.appending("current"), flags: O_RDWR | O_CREAT | O_NOFOLLOW)
        state.size = Int64(try file.status().st_size)
        if state.size > 0, try file.bytes(from: state.size - 1, atMost: 1) != [UInt8(ascii: "\n")] {
            // A line that a crash cut off must not spoil the next one.
            try file.write([UInt8(ascii: "\n")], at: state.size)
            state.size += 1
        }
        state.file = file
        state.began = state.began ?? seconds
    }

    private static func lines(in path: FilePath) -> [(seconds: Int64, line: String)] {
        guard let bytes = try? ReplaceableFile.read(path, atMost: largestFile) else { return [] }
        return bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let text = String(decoding: line, as: UTF8.self)
            guard let space = text.firstIndex(of: " "), let seconds = Int64(text[..<space]) else { return nil }
            return (seconds, String(text[text.index(after: space)...]))
        }
    }
}
