import Foundation
import Glibc
import Synchronization

/// A child process with pipes for its output, watched by threads that do nothing but wait.
///
/// Not Foundation's: that one loses an end now and then when many children come and go at once.
struct Child: Sendable {
    let id: Int32

    /// What is told of a child, from threads of their own.
    struct Watcher: Sendable {
        var output: @Sendable ([UInt8]) -> Void
        var errors: @Sendable ([UInt8]) -> Void
        /// Once for each of the two streams.
        var streamEnd: @Sendable () -> Void
        /// The child has ended; its id stays taken until this returns.
        var end: @Sendable (_ status: Int32) -> Void
    }

    /// Starts `executable` with three standard streams of its own.
    ///
    /// - Parameter isKilledAtExit: Whether it is killed when this process exits and it has not ended by then; not for one
    ///   that notices, and has something to end itself.
    init(
        _ executable: String, _ arguments: [String], in folder: String, environment: [String: String], input: String,
        isKilledAtExit: Bool = true, watcher: Watcher
    ) throws {
        // One at a time: no child may inherit another's pipe in the moment before it is marked.
        Self.starting.lock()
        defer { Self.starting.unlock() }
        let output = try Self.pipe()
        let errors = try Self.pipe()
        defer { for descriptor in [output.write, errors.write] { close(descriptor) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, input, O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output.write, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, errors.write, STDERR_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Signals as a fresh shell has them, whatever the test runner did to its own.
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var id: pid_t = 0
        // env changes the directory and becomes the program.
        let words = CStrings(["env", "-C", folder, executable] + arguments)
        let variables = CStrings(environment.map { $0 + "=" + $1 })
        let code = posix_spawn(&id, "/usr/bin/env", &actions, &attributes, words.pointers, variables.pointers)
        guard code == 0 else {
            for descriptor in [output.read, errors.read] { close(descriptor) }
            throw Program.Overdue(description: "cannot start '\(executable)': \(String(cString: strerror(code)))")
        }
        self.id = id
        if isKilledAtExit { Self.running.add(id) }
        for (descriptor, take) in [(output.read, watcher.output), (errors.read, watcher.errors)] {
            Thread.detachNewThread {
                Self.readAll(descriptor, take)
                watcher.streamEnd()
            }
        }
        Thread.detachNewThread { [id] in Self.wait(for: id, watcher) }
    }

    private static let starting = NSLock()
    private static let running = RunningChildren()

    private static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        guard Glibc.pipe(&ends) == 0 else { throw Program.Overdue(description: "no pipe can be had") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    private static func readAll(_ descriptor: Int32, _ take: ([UInt8]) -> Void) {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            take(Array(buffer[..<count]))
        }
        close(descriptor)
    }

    private static func wait(for id: pid_t, _ watcher: Watcher) {
        var information = siginfo_t()
        // Waits without reaping, so that nobody else can get the id while the end is told.
        while waitid(P_PID, id_t(id), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        let detail = information._sifields._sigchld.si_status
        watcher.end(information.si_code == CLD_EXITED ? detail : 128 + detail)
        running.remove(id)
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0, errno == EINTR {}
    }
}

/// The children that have not ended, which are killed when the test process exits: those that a static property holds
/// would outlive it.
private final class RunningChildren: Sendable {
    private let ids = Mutex<Set<pid_t>>([])
    private static let all = Mutex<[RunningChildren]>([])

    init() {
        Self.all.withLock { $0.append(self) }
        atexit { RunningChildren.all.withLock { for children in $0 { children.kill() } } }
    }

    func add(_ id: pid_t) { ids.withLock { _ = $0.insert(id) } }
    func remove(_ id: pid_t) { ids.withLock { _ = $0.remove(id) } }

    private func kill() { ids.withLock { for id in $0 { Glibc.kill(id, SIGKILL) } } }
}

/// Texts as C wants them, for as long as this lives.
private final class CStrings {
    let pointers: [UnsafeMutablePointer<CChar>?]

    init(_ texts: [String]) { pointers = texts.map { strdup($0) } + [nil] }

    deinit { for pointer in pointers { free(pointer) } }
}
