package import HummingbirdCore
package import Logging
package import NIOCore

/// Handles each connection on the event loop that reads and writes it, instead of handing every request over to another
/// thread and back: for small requests that costs more than answering them.
///
/// For servers whose answers never block: what does has a thread of its own.
package struct LoopBoundConnections<Base: ServerChildChannel>: ServerChildChannel {
    private let base: Base

    /// Handles connections as `base` does.
    package init(_ base: Base) { self.base = base }

    package func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        base.setup(channel: channel, logger: logger)
    }

    package func handle(value: Base.Value, logger: Logger) async {
        await withTaskExecutorPreference(LoopExecutor(value.channel.eventLoop)) {
            await base.handle(value: value, logger: logger)
        }
    }
}

/// Runs the parts of tasks between their waits on one event loop.
private final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
