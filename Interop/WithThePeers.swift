import Testing

/// Everything here runs the real reference peers, one test after the other: each starts several programs.
///
/// The limit is that of one test; the first one waits for the peers to be installed as well.
@Suite("With the reference peers", .serialized, .timeLimit(.minutes(6)))
struct WithThePeers {}
