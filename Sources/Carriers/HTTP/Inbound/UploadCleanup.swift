internal import Fabric
internal import Logging

/// Removes uploads that their senders have given up, while a listener runs.
struct UploadCleanup: Sendable {
    let lane: Lane
    let sessions: UploadSessions
    let work: BlockingWork
    /// How long an upload is kept after its last byte.
    let age: Duration
    let logger: Logger

    /// Sweeps every `interval` until the task is cancelled.
    func run<C: Clock>(every interval: C.Duration, on clock: C) async {
        while (try? await clock.sleep(until: clock.now.advanced(by: interval), tolerance: nil)) != nil {
            await sweep()
        }
    }

    /// Closes uploads that have been open and unused for `time`, then removes those to which nothing was added for
    /// `age`.
    func sweep(closingUnusedFor time: Duration = .seconds(60)) async {
        await sessions.closeUnused(for: time)
        let lane = lane
        let age = age
        do throws(LaneError) {
            let removed = try await work.run { () throws(LaneError) in try lane.removeUploads(untouchedFor: age) }
            if removed > 0 { logger.info("removed abandoned uploads", metadata: ["count": "\(removed)"]) }
        } catch {
            logger.error("cannot remove abandoned uploads", metadata: ["detail": "\(error)"])
        }
    }
}
