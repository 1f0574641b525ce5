internal import Dispatch
internal import FoundationEssentials
internal import Glibc
internal import Synchronization

/// What happens on SIGINT and SIGTERM: nothing half is left behind, and one line says what to do next.
///
/// What is half is what this process has open under a staging name, as the kernel tells; so nothing has to be entered
/// in a list and nothing can be missing from it.
enum Interruption {
    private struct State: Sendable {
        var isUnderway = false
        var remedy: String?
        /// A directory that goes with this process.
        var scratch: String?
    }

    private static let state = Mutex(State())

    /// Waits for the signals for as long as the returned objects live.
    ///
    /// - Parameter removesDirectories: Whether directories with a staging name are this process's own. Only who unpacks
    ///   can say so: others may have somebody else's open to read it.
    static func watch(removesDirectories: Bool) -> [any DispatchSourceSignal] {
        let queue = DispatchQueue(label: "tcd.interruption")
        return [SIGINT, SIGTERM].filter { !isIgnored($0) }.map { number in
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { end(removesDirectories: removesDirectories) }
            source.activate()
            return source
        }
    }

    /// Whether the caller had the signal ignored, as shells do for what runs in the background.
    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard sigaction(number, nil, &action) == 0 else { return false }
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
            == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    /// Sets what to do next after an interruption from here on; nil for nothing.
    static func advise(_ remedy: String?) { state.withLock { $0.remedy = remedy } }

    /// Sets the directory that is removed on an interruption from here on; nil for none.
    static func remove(_ scratch: String?) { state.withLock { $0.scratch = scratch } }

    /// Does not return once an interruption has begun, which then ends the process. What else would be told now is
    /// only that things were taken away.
    static func yieldIfUnderway() {
        while state.withLock({ $0.isUnderway }) { pause() }
    }

    private static func end(removesDirectories: Bool) {
        let (remedy, scratch) = state.withLock { state in
            state.isUnderway = true
            return (state.remedy, state.scratch)
        }
        for path in OpenStaging.files() { unlink(path) }
        if removesDirectories { for path in OpenStaging.directories() { OpenStaging.removeDirectory(path) } }
        if let scratch { try? FileManager.default.removeItem(atPath: scratch) }
        Passphrase.restoreTerminal()
        if Terminal.isWatched { Terminal.draw("\r\u{1b}[K") }
        Terminal.note(remedy.map { "interrupted; \($0)" } ?? "interrupted")
        _exit(ExitStatus.interrupted.rawValue)
    }
}

/// The files and directories that this process has open under a name for what is not finished.
private enum OpenStaging {
    /// Files that are open for writing: what is only read may be somebody else's.
    static func files() -> [String] {
        paths(of: S_IFREG) { name, flags in
            flags & O_ACCMODE != O_RDONLY && name.hasPrefix(".") && name.utf8.count == 22
        }
    }

    /// Directories that something is unpacked into.
    static func directories() -> [String] {
        paths(of: S_IFDIR) { name, _ in name.hasPrefix(".unpacking-") }
    }

    /// Removes the directory at `path`, into which other threads may be writing still, or moving things out of it.
    ///
    /// Whoever is faster by one rename decides for the whole, or for each thing in it, so that nothing is published
    /// from which something was removed.
    static func removeDirectory(_ path: String) {
        let stem = path.dropLast(".part".count)
        let (held, trash) = ("\(stem)-held.part", "\(stem)-trash.part")
        guard rename(path, held) == 0 else { return }
        for _ in 0..<400 {
            mkdir(trash, 0o700)
            for name in (try? FileManager.default.contentsOfDirectory(atPath: held)) ?? [] {
                rename("\(held)/\(name)", "\(trash)/\(name)")
            }
            try? FileManager.default.removeItem(atPath: trash)
            rmdir(held)
            guard access(held, F_OK) == 0 || access(trash, F_OK) == 0 else { return }
            usleep(5000)
        }
    }

    private static func paths(of kind: mode_t, where isOurs: (String, Int32) -> Bool) -> [String] {
        let descriptors = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        let found = descriptors.compactMap { Int32($0) }.compactMap { descriptor -> String? in
            var (open, named) = (stat(), stat())
            guard fstat(descriptor, &open) == 0, open.st_mode & S_IFMT == kind,
                let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(descriptor)"),
                let name = path.split(separator: "/").last, name.hasSuffix(".part"),
                isOurs(String(name), fcntl(descriptor, F_GETFL)),
                lstat(path, &named) == 0, named.st_dev == open.st_dev, named.st_ino == open.st_ino
            else { return nil }
            return path
        }
        return Array(Set(found))
    }
}
