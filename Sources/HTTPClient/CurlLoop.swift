internal import CCurl
internal import Glibc
internal import Synchronization

/// The thread that drives a curl multi handle, and what it shares with those who want requests made.
///
/// @unchecked: `multi` and `active` are the thread's own. The one call from outside, `curl_multi_wakeup`, is made for
/// other threads; it happens under the lock of `commands`, and the thread frees the handle under the same lock.
final class CurlLoop: @unchecked Sendable {
    private let multi: UnsafeMutableRawPointer
    private let tick: Duration
    private var active: [UnsafeMutableRawPointer: CurlTransfer] = [:]
    private let commands = Mutex(Commands())

    private struct Commands {
        var added: [CurlTransfer] = []
        var isStopping = false
        var isOver = false
    }

    /// Why libcurl cannot be loaded; nil when it is loaded and ready, which it wants to be told once.
    static let loadingProblem: String? = {
        if let problem = tibet_curl_load() { return String(cString: problem) }
        return curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK ? nil : "it cannot be initialised"
    }()

    private init(multi: UnsafeMutableRawPointer, tick: Duration) {
        self.multi = multi
        self.tick = tick
    }

    /// Starts the thread, which looks after its transfers at least once in `tick`; nil when the system gives none.
    static func start(tick: Duration) -> CurlLoop? {
        guard loadingProblem == nil, let multi = curl_multi_init() else { return nil }
        let loop = CurlLoop(multi: multi, tick: tick)
        // The thread keeps the loop alive; whoever wants it to end calls `stop`.
        let context = Unmanaged.passRetained(loop)
        var thread = pthread_t()
        let result = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<CurlLoop>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context.toOpaque())
        guard result == 0 else {
            context.release()
            curl_multi_cleanup(multi)
            return nil
        }
        pthread_detach(thread)
        return loop
    }

    /// Hands a transfer to the thread, which resumes its continuation.
    func add(_ transfer: CurlTransfer) {
        commands.withLock { commands in
            if commands.isOver || commands.isStopping {
                transfer.fail(.cancelled)
            } else {
                commands.added.append(transfer)
                curl_multi_wakeup(multi)
            }
        }
    }

    /// Makes the thread look for cancelled transfers now.
    func wake() {
        commands.withLock { commands in
            if !commands.isOver { curl_multi_wakeup(multi) }
        }
    }

    /// Ends all transfers and the thread.
    func stop() {
        commands.withLock { commands in
            commands.isStopping = true
            if !commands.isOver { curl_multi_wakeup(multi) }
        }
    }

    private func run() {
        blockSignals()
        var running: Int32 = 0
        while takeCommands() {
            curl_multi_perform(multi, &running)
            finishDone()
            dropStalledAndCancelled()
            let patience = active.isEmpty ? 60_000 : min(1000, tick.wholeMilliseconds)
            curl_multi_poll(multi, nil, 0, Int32(patience), nil)
        }
        for (handle, transfer) in active {
            curl_multi_remove_handle(multi, handle)
            transfer.fail(.cancelled)
        }
        active = [:]
        commands.withLock { commands in
            for transfer in commands.added { transfer.fail(.cancelled) }
            commands.added = []
            commands.isOver = true
            curl_multi_cleanup(multi)
        }
    }

    /// Writing to a connection that is gone raises SIGPIPE, which no other thread should have to handle; and signals
    /// for the program should go to a thread that waits for them.
    private func blockSignals() {
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
    }

    /// Returns false when the thread is to end.
    private func takeCommands() -> Bool {
        let (added, isStopping) = commands.withLock { commands in
            defer { commands.added = [] }
            return (commands.added, commands.isStopping)
        }
        for transfer in added {
            if transfer.isCancelled.load(ordering: .acquiring) || isStopping {
                transfer.fail(.cancelled)
            } else if let handle = transfer.prepare() {
                active[handle] = transfer
                curl_multi_add_handle(multi, handle)
            }
        }
        return !isStopping
    }

    private func finishDone() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let handle = message.pointee.easy_handle else { continue }
            let code = tibet_curl_message_result(message)
            // The message dies with the handle's removal, and the handle with its transfer: in this order.
            curl_multi_remove_handle(multi, handle)
            active.removeValue(forKey: handle)?.finish(code)
        }
    }

    private func dropStalledAndCancelled() {
        let now = ContinuousClock.now
        for (handle, transfer) in active {
            let failure: RequestFailure
            if transfer.isCancelled.load(ordering: .acquiring) {
                failure = .cancelled
            } else if transfer.isStalled(at: now) {
                failure = .stalled
            } else {
                continue
            }
            // Closes the connection as well, since the request on it is not over.
            curl_multi_remove_handle(multi, handle)
            active[handle] = nil
            transfer.fail(failure)
        }
    }
}
