internal import Dispatch
internal import Glibc

/// How many threads work on one envelope.
enum Cores {
    /// The processors at hand, six at the most: with more, the buffers would no longer fit the memory budget.
    static var workers: Int { max(1, min(6, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))) }
}

/// Does work on all cores and hands the results back in the order in which the work was given.
///
/// A fixed number of slots go round: the caller takes one that is free, fills it and submits it; workers process it;
/// the caller takes it back when its turn has come. So memory is bounded by the slots, and input and output stay in
/// the caller's one thread, in order.
struct OrderedWorkers<Slot: Sendable>: ~Copyable {
    private let queue = DispatchQueue(label: "envelope.workers", attributes: .concurrent)
    private let work: @Sendable (Slot) -> Void
    private var free: [Slot]
    private var underWay: [(slot: Slot, done: DispatchSemaphore)] = []

    init(slots: [Slot], work: @escaping @Sendable (Slot) -> Void) {
        free = slots
        self.work = work
    }

    deinit {
        // Nobody may give the slots' memory back while a worker uses it.
        for (_, done) in underWay { done.wait() }
    }

    /// Whether every slot is under way, so that one must be taken back before more can be submitted.
    var isFull: Bool { free.isEmpty }

    /// A free slot, or nil when all are under way.
    mutating func takeFree() -> Slot? { free.popLast() }

    /// Gives a slot to the workers.
    mutating func submit(_ slot: Slot) {
        let done = DispatchSemaphore(value: 0)
        underWay.append((slot, done))
        queue.async { [work] in
            work(slot)
            done.signal()
        }
    }

    /// The slot that was submitted first of those under way, once it is done; nil when none is.
    mutating func takeDone() -> Slot? {
        guard !underWay.isEmpty else { return nil }
        let (slot, done) = underWay.removeFirst()
        done.wait()
        return slot
    }

    /// Gives back a slot that `takeDone` or `takeFree` handed out.
    mutating func release(_ slot: Slot) { free.append(slot) }
}

/// Raw memory that frees itself.
final class Memory: @unchecked Sendable {
    // @unchecked: the owner hands it from thread to thread, and one at a time uses it.
    private(set) var bytes: UnsafeMutableRawBufferPointer

    init(byteCount: Int) {
        bytes = .allocate(byteCount: byteCount, alignment: 64)
    }

    deinit { bytes.deallocate() }

    /// Makes room for `byteCount` bytes; what was there is lost.
    func grow(to byteCount: Int) {
        guard bytes.count < byteCount else { return }
        bytes.deallocate()
        bytes = .allocate(byteCount: byteCount, alignment: 64)
    }

    /// The first `count` bytes for writing.
    func prefix(_ count: Int) -> UnsafeMutableRawBufferPointer { .init(rebasing: bytes[..<count]) }

    /// The first `count` bytes for reading.
    func read(_ count: Int) -> UnsafeRawBufferPointer { .init(rebasing: bytes[..<count]) }
}
