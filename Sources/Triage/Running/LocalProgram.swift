internal import CSpawn
package import Fabric
internal import Glibc

/// A program of this machine that is run to its end, without a shell.
///
/// It runs with this user's rights: nothing keeps it from files or the network. It has a process group of its own, which
/// is killed as a whole when time is up, and the kernel kills it when this process ends, however that comes about.
package struct LocalProgram: Sendable {
    /// Where the program is.
    package let path: String
    /// What it is given, without its own name.
    package var arguments: [String]
    /// Its whole environment.
    package var environment: [String: String]
    /// Where it runs; nil for where this process does.
    package var folder: String?
    /// How long it may take; nil for as long as it wants.
    package var timeLimit: Duration?
    /// How many of the last bytes of each of its two outputs are kept. The digests are of all of them.
    package var keptOutput = 64 << 10
    /// Whether what it says on standard error is passed on to this process's.
    package var passesErrorsOn = false

    /// A program with this process's own environment.
    package init(_ path: String, _ arguments: [String], environment: [String: String] = Self.ownEnvironment()) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
    }

    /// What one of its outputs came to.
    package struct Output: Sendable {
        /// The last bytes.
        package fileprivate(set) var tail: [UInt8] = []
        /// How many there were.
        package fileprivate(set) var size: Int64 = 0
        /// The SHA-256 of all of them.
        package fileprivate(set) var digest = Digest(of: [])
    }

    /// How it ended.
    package struct Outcome: Sendable {
        /// Its exit code, or 128 and the signal that ended it.
        package let status: Int32
        /// Whether it was killed because its time was up, or because that was asked for.
        package let wasStopped: Bool
        package let output: Output
        package let errors: Output
    }

    /// Why it did not start.
    package struct StartFailure: ExplainedError {
        let path: String
        let code: Int32

        package var category: FailureCategory { code == ENOENT ? .noInput : .refused }
        package var explanation: String { "cannot start '\(path)': \(String(cString: strerror(code)))" }
        package var remedy: String? { nil }
    }

    /// The environment of this process.
    package static func ownEnvironment() -> [String: String] {
        var variables: [String: String] = [:]
        var next = environ
        while let entry = next.pointee {
            let parts = String(cString: entry).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
            next += 1
        }
        return variables
    }

    /// The path of the program called `name`: as it is where it has a slash, else from `PATH`.
    package static func find(_ name: String) -> String? {
        if name.contains("/") { return access(name, X_OK) == 0 ? name : nil }
        let folders = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        return folders.split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }

    /// Runs it to its end. Blocks; the calling thread must not be one of a pool that ends threads meanwhile.
    ///
    /// - Parameter isCancelled: Asked ten times a second; once it says so, the group is killed.
    package func run(_ isCancelled: () -> Bool) throws(StartFailure) -> Outcome {
        let child = try Child(self)
        let start = ContinuousClock.now
        var wasStopped = false
        var (output, errors) = (Collector(limit: keptOutput), Collector(limit: keptOutput, passesOn: passesErrorsOn))
        while !(output.isOver && errors.isOver) {
            if !wasStopped, isCancelled() || timeLimit.map({ ContinuousClock.now - start > $0 }) ?? false {
                child.kill()
                wasStopped = true
            }
            var entries = [
                pollfd(fd: output.isOver ? -1 : child.output, events: Int16(POLLIN), revents: 0),
                pollfd(fd: errors.isOver ? -1 : child.errors, events: Int16(POLLIN), revents: 0),
                pollfd(fd: child.process, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&entries, 3, 100) > 0 else { continue }
            if entries[0].revents != 0 { output.take(from: child.output) }
            if entries[1].revents != 0 { errors.take(from: child.errors) }
            // What it left running in the background keeps the pipes open, and nobody waits for that.
            if entries[2].revents != 0, entries[0].revents == 0, entries[1].revents == 0 { break }
        }
        let status = child.wait()
        return Outcome(status: status, wasStopped: wasStopped, output: output.result, errors: errors.result)
    }
}

/// Reads one output of a child, hashing all of it and keeping the end.
private struct Collector {
    let limit: Int
    var passesOn = false
    private(set) var isOver = false
    private var hasher = DigestHasher()
    private var kept = LocalProgram.Output()

    init(limit: Int, passesOn: Bool = false) {
        self.limit = limit
        self.passesOn = passesOn
    }

    var result: LocalProgram.Output {
        var result = kept
        result.digest = hasher.finish()
        result.tail = Array(kept.tail.suffix(limit))
        return result
    }

    mutating func take(from descriptor: Int32) {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = read(descriptor, &buffer, buffer.count)
        guard count > 0 else {
            if count == 0 || (errno != EINTR && errno != EAGAIN) { isOver = true }
            return
        }
        buffer[..<count].withUnsafeBytes { hasher.update($0) }
        kept.size += Int64(count)
        kept.tail += buffer[..<count]
        if kept.tail.count > 2 * limit { kept.tail.removeFirst(kept.tail.count - limit) }
        guard passesOn else { return }
        buffer[..<count].withUnsafeBytes { bytes in _ = tibet_write_quietly(STDERR_FILENO, bytes.baseAddress, count) }
    }
}

/// A program that runs, and the pipes from it.
private final class Child {
    let id: pid_t
    /// Readable once it has ended.
    let process: Int32
    let output: Int32
    let errors: Int32
    private var status: Int32?

    init(_ program: LocalProgram) throws(LocalProgram.StartFailure) {
        var opened: [Int32] = []
        func fail(_ code: Int32) -> LocalProgram.StartFailure {
            for descriptor in opened { close(descriptor) }
            return LocalProgram.StartFailure(path: program.path, code: code)
        }
        let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard nothing >= 0 else { throw fail(errno) }
        let input = fcntl(nothing, F_DUPFD_CLOEXEC, 10)
        close(nothing)
        guard input >= 0 else { throw fail(errno) }
        opened.append(input)
        for _ in 0..<2 {
            var ends: [Int32] = [-1, -1]
            guard tibet_pipe(&ends) == 0 else { throw fail(errno) }
            opened += ends
        }
        let variables = program.environment.map { "\($0.key)=\($0.value)" }
        var id: pid_t = 0
        let code = Self.withPointers([program.path] + program.arguments) { words in
            Self.withPointers(variables) { variables in
                tibet_spawn_bound(
                    &id, program.path, words, variables, program.folder, opened[0], opened[2], opened[4])
            }
        }
        guard code == 0 else { throw fail(code) }
        for descriptor in [opened[0], opened[2], opened[4]] { close(descriptor) }
        (self.id, output, errors) = (id, opened[1], opened[3])
        process = tibet_open_process(id)
    }

    deinit {
        _ = wait()
        for descriptor in [process, output, errors] where descriptor >= 0 { close(descriptor) }
    }

    /// Kills the whole group.
    func kill() { if status == nil { Glibc.kill(-id, SIGKILL) } }

    /// Waits for its end, kills what is left of its group, and says how it ended.
    func wait() -> Int32 {
        if let status { return status }
        var information = siginfo_t()
        while waitid(P_PID, id_t(id), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        // Before it is reaped, so that its number cannot be somebody else's yet.
        Glibc.kill(-id, SIGKILL)
        var raw: Int32 = 0
        while waitpid(id, &raw, 0) < 0, errno == EINTR {}
        let signal = raw & 0x7f
        let code = signal == 0 ? (raw >> 8) & 0xff : 128 + signal
        status = code
        return code
    }

    private static func withPointers<Value>(
        _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Value
    ) -> Value {
        let pointers = texts.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        return body(pointers)
    }
}
