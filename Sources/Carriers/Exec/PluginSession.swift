internal import CSpawn
internal import Fabric
internal import Glibc

/// One request to a plug-in: the process from its start to its end. Blocks; runs on a thread of its own.
///
/// Whatever the plug-in does, this ends in bounded time and memory, with an answer or a typed error, and with every
/// process of the plug-in's group gone. Only what leaves the group by itself (`setsid`) can outlive it.
struct PluginSession {
    let plugin: Plugin
    let environment: PluginEnvironment
    let limits: PluginLimits
    let isCancelled: @Sendable () -> Bool

    /// What is done about a message.
    enum Reaction {
        /// More is to come.
        case goOn
        /// This was the last.
        case finish
    }

    /// How often bytes in the pipe are counted and cancellation is looked for, in milliseconds.
    private static let tick: Int32 = 50

    /// Asks, feeds, and listens until `hear` says that the last message has come.
    ///
    /// - Parameters:
    ///   - feed: The bytes to put into the plug-in's pipe, for `deliver`.
    ///   - moved: Told how many bytes of the envelope the plug-in has taken.
    ///   - hear: Given each message, and whether the plug-in has taken every byte.
    func run(
        _ request: PluginRequest, feeding feed: EnvelopeFeed? = nil, moved: (Int64) -> Void = { _ in },
        hear: (PluginMessage, _ tookAll: Bool) throws(CarrierError) -> Reaction
    ) throws(CarrierError) {
        guard !isCancelled() else { throw .cancelled(plugin) }
        let child: ChildProcess
        do throws(ChildProcess.StartFailure) {
            child = try ChildProcess(
                path: plugin.path, environment: environment.entries(for: request), withEnvelope: feed != nil)
        } catch {
            throw CarrierError(
                .misconfigured, .waitForPerson, "cannot start the plug-in '\(plugin.path)': \(error.text)",
                remedy: "check that it is a program, and that its first line names an interpreter that exists")
        }
        var talk = Talk(session: self, child: child, request: request, feed: feed)
        do throws(CarrierError) {
            try talk.run(moved: moved, hear: hear)
        } catch {
            // The pipe stays open until everybody is gone, so that nobody takes its end for the envelope's.
            child.askToEnd()
            talk.drain(for: limits.endTime)
            _ = child.end()
            throw error
        }
        child.closeInput()
        talk.drain(for: limits.endTime)
        _ = child.end()
    }

    /// The state of one session.
    private struct Talk {
        let session: PluginSession
        let child: ChildProcess
        var pending: ArraySlice<UInt8>
        var feed: EnvelopeFeed?
        var lines: LineBuffer
        var errors: [UInt8] = []
        var errorBytes = 0
        var watch: StallWatch
        var progress: Int64 = 0
        var tookAll: Bool
        var outputEnded = false
        var errorsEnded = false
        let start = ContinuousClock.now

        init(session: PluginSession, child: ChildProcess, request: PluginRequest, feed: EnvelopeFeed?) {
            self.session = session
            self.child = child
            self.feed = feed
            pending = request.line()[...]
            lines = LineBuffer(session.limits)
            watch = StallWatch(
                window: session.limits.stallTime, minimumRate: session.limits.minimumRate, at: .zero,
                moved: feed?.written ?? 0)
            tookAll = feed == nil
        }

        private var plugin: Plugin { session.plugin }

        mutating func run(
            moved: (Int64) -> Void, hear: (PluginMessage, Bool) throws(CarrierError) -> Reaction
        ) throws(CarrierError) {
            while true {
                guard !session.isCancelled() else { throw .cancelled(plugin) }
                let isOver = wait()
                try write()
                try lookAtThePipe(moved)
                try readErrors()
                for line in try readLines(untilEnd: isOver) {
                    guard let message = PluginMessage(line: line) else {
                        throw .misbehaved(plugin, "wrote a line that is no message: \(Self.shown(line))")
                    }
                    if message.type == "progress" { try note(message) }
                    // What is in the pipe has to be counted again: the plug-in may have read it since.
                    try lookAtThePipe(moved)
                    if case .finish = try hear(message, tookAll) { return }
                }
                if isOver { throw ended() }
                let moment = ContinuousClock.now - start
                if watch.isStalled(at: moment, moved: taken + progress) { throw stalled() }
            }
        }

        /// The number of bytes of the envelope that the plug-in has taken out of the pipe.
        private var taken: Int64 { (feed?.written ?? 0) - child.unreadBytes }

        /// Waits until something can be done, for a tick at most; whether the child has ended.
        private func wait() -> Bool {
            var entries = [pollfd(fd: child.process, events: Int16(POLLIN), revents: 0)]
            if !outputEnded { entries.append(pollfd(fd: child.output, events: Int16(POLLIN), revents: 0)) }
            if !errorsEnded { entries.append(pollfd(fd: child.errors, events: Int16(POLLIN), revents: 0)) }
            if !pending.isEmpty { entries.append(pollfd(fd: child.input, events: Int16(POLLOUT), revents: 0)) }
            if let feed, !feed.isComplete, child.envelope >= 0 {
                entries.append(pollfd(fd: child.envelope, events: Int16(POLLOUT), revents: 0))
            }
            _ = poll(&entries, nfds_t(entries.count), PluginSession.tick)
            return entries[0].revents != 0
        }

        /// Writes what is left of the request, and of the envelope, as far as somebody takes it.
        private mutating func write() throws(CarrierError) {
            if !pending.isEmpty {
                let count = pending.withUnsafeBytes { tibet_write_quietly(child.input, $0.baseAddress, $0.count) }
                if count > 0 { pending = pending.dropFirst(count) }
                // A plug-in need not read what is in its environment too.
                if count < 0, errno == EPIPE { pending = [] }
            }
            guard child.envelope >= 0 else { return }
            let descriptor = child.envelope
            try feed?.write(to: descriptor)
            if feed?.isComplete == true { child.closeEnvelope() }
        }

        private mutating func lookAtThePipe(_ moved: (Int64) -> Void) throws(CarrierError) {
            guard let feed, !tookAll else { return }
            moved(taken)
            guard feed.isComplete, child.unreadBytes == 0 else { return }
            tookAll = true
            let window = session.limits.stallTime + .seconds(feed.written >> 26)
            watch.restart(window: window, at: ContinuousClock.now - start, moved: taken + progress)
        }

        /// Checks what the plug-in says of its progress.
        private mutating func note(_ message: PluginMessage) throws(CarrierError) {
            guard let bytes = message.bytes, feed != nil, bytes >= progress, bytes <= taken else {
                throw .misbehaved(plugin, "told progress that cannot be: \(message.bytes ?? -1) bytes")
            }
            progress = bytes
        }

        private mutating func readLines(untilEnd: Bool) throws(CarrierError) -> [[UInt8]] {
            var all: [[UInt8]] = []
            while !outputEnded {
                guard let bytes = Self.read(child.output, ended: &outputEnded) else { break }
                do throws(LineBuffer.Fault) {
                    all += try lines.take(bytes)
                } catch {
                    let what = error == .tooLong ? "wrote a line without end" : "wrote lines without end"
                    throw .misbehaved(plugin, what)
                }
                // One piece at a time while it lives, so that a flood does not keep us from looking around.
                if !untilEnd { break }
            }
            return all
        }

        private mutating func readErrors() throws(CarrierError) {
            guard !errorsEnded, let bytes = Self.read(child.errors, ended: &errorsEnded) else { return }
            errorBytes += bytes.count
            errors = Array((errors + bytes).suffix(4096))
            guard errorBytes <= session.limits.errorBytes else {
                throw .misbehaved(plugin, "wrote to standard error without end")
            }
        }

        /// What can be read now; nil when that is nothing.
        private static func read(_ descriptor: Int32, ended: inout Bool) -> ArraySlice<UInt8>? {
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count > 0 { return buffer[..<count] }
            if count == 0 || (errno != EAGAIN && errno != EINTR) { ended = true }
            return nil
        }

        /// Lets the plug-in end, taking what it still writes and keeping none of it.
        mutating func drain(for time: Duration) {
            let deadline = ContinuousClock.now + time
            while ContinuousClock.now < deadline, !child.ends(within: PluginSession.tick / 5) {
                _ = Self.read(child.output, ended: &outputEnded)
                _ = Self.read(child.errors, ended: &errorsEnded)
            }
        }

        private mutating func ended() -> CarrierError {
            while !errorsEnded, let bytes = Self.read(child.errors, ended: &errorsEnded) {
                errors = Array((errors + bytes).suffix(4096))
            }
            let status = child.end()
            let last = errors.split(separator: UInt8(ascii: "\n")).last.map { ": " + Self.shown(Array($0)) } ?? ""
            let how = status > 128 ? "was killed by signal \(status - 128)" : "ended with status \(status)"
            return CarrierError(
                .unreachable, .retry(after: nil), "the plug-in '\(plugin.path)' \(how) before it answered\(last)")
        }

        private func stalled() -> CarrierError {
            CarrierError(
                .stalled, .retry(after: nil),
                "the plug-in '\(plugin.name)' moved nothing to speak of for \(session.limits.stallTime)")
        }

        private static func shown(_ line: [UInt8]) -> String { String(decoding: line.prefix(200), as: UTF8.self) }
    }
}
