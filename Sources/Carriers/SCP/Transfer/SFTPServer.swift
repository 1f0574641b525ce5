internal import CSSH2
internal import Fabric

/// The SFTP server at the far side, kept for as long as the connection.
///
/// @unchecked: used by the thread that uses its connection.
final class SFTPServer: @unchecked Sendable {
    let connection: SSHConnection
    let handle: OpaquePointer
    /// Whether the server stores files when it is told to (`fsync@openssh.com`); nil until it was asked.
    var storesFiles: Bool?
    /// Whether a file was seen to be whole after it was closed.
    var keepsClosedFiles = false

    private init(_ connection: SSHConnection, _ handle: OpaquePointer) {
        self.connection = connection
        self.handle = handle
    }

    /// What came of starting the server.
    enum Start {
        case started(SFTPServer)
        /// The far side has no server that speaks SFTP, for this user.
        case absent(Absence)
    }

    /// After so long without an answer it is looked whether the server is there at all.
    private static let quickAnswer = Duration.milliseconds(300)

    /// Starts the server.
    ///
    /// - Throws: `stalled` when the far side says nothing.
    static func start(on connection: SSHConnection) throws(SSHFailure) -> Start {
        let session = connection.session
        var limit: Duration? = min(quickAnswer, connection.patience)
        while true {
            do throws(SSHFailure) {
                let handle = try connection.open("starting SFTP", within: limit) { libssh2_sftp_init(session) }
                return .started(SFTPServer(connection, handle))
            } catch {
                if error.isLostTransport { throw error }
                switch error {
                case .code(let code, _) where refusals.contains(code): return .absent(Absence("has no SFTP server"))
                case .stalled where limit == nil: throw error
                case .code, .stalled: break
                case .cancelled, .status, .explained: throw error
                }
                switch try SFTPGreeting.read(on: connection) {
                case .version:
                    // Slow, and there after all; what was no version a moment ago is not waited for.
                    guard case .stalled = error else {
                        return .absent(Absence("has an SFTP server that does not keep to the protocol"))
                    }
                    limit = nil
                case .refused:
                    // There may be no second channel; then only time can tell.
                    guard case .stalled = error else { return .absent(Absence("has no SFTP server")) }
                    limit = nil
                case .ended: return .absent(.ended("the SFTP server"))
                case .other(let bytes): return .absent(.printed(bytes, before: "SFTP"))
                }
            }
        }
    }

    /// How libssh2 says that the far side refused the channel or the subsystem.
    private static let refusals = [
        LIBSSH2_ERROR_CHANNEL_FAILURE, LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED, LIBSSH2_ERROR_REQUEST_DENIED,
    ]

    /// Repeats `body` until it is done; a refusal by the server is thrown as its status.
    @discardableResult
    func call<Number: FixedWidthInteger>(
        _ doing: String, within limit: Duration? = nil, _ body: () -> Number
    ) throws(SSHFailure) -> Number {
        do throws(SSHFailure) { return try connection.call(doing, within: limit, body) } catch { throw status(error) }
    }

    /// Makes one call, which may have got nowhere yet: 0 then.
    func attempt(_ doing: String, _ body: () -> Int) throws(SSHFailure) -> Int {
        let result = body()
        guard result < 0 else { return result }
        let code = Int32(truncatingIfNeeded: result)
        guard code == LIBSSH2_ERROR_EAGAIN else { throw status(connection.failure(code, doing)) }
        return 0
    }

    /// Opens a file, closed by `close`.
    func open(_ path: String, flags: Int32, _ doing: String) throws(SSHFailure) -> OpaquePointer {
        let (handle, count) = (handle, UInt32(path.utf8.count))
        do throws(SSHFailure) {
            return try connection.open(doing) {
                libssh2_sftp_open_ex(handle, path, count, UInt(flags), 0o644, LIBSSH2_SFTP_OPENFILE)
            }
        } catch {
            throw status(error)
        }
    }

    /// Whether this is OpenSSH's server: its rename is a link and an unlink, and never replaces a file, and opening a file
    /// does not empty it (sftp-server.c). Its host says OpenSSH, and it knows `fsync@openssh.com`, which other servers
    /// that a host of OpenSSH may start do not. Known once a file was stored.
    var isOpenSSH: Bool { hostIsOpenSSH && storesFiles == true }

    /// Whether the host says that it is OpenSSH, which starts its own server unless it is told otherwise.
    var hostIsOpenSSH: Bool { connection.offer?.software.hasPrefix("OpenSSH") ?? false }

    /// Closes a file.
    ///
    /// - Parameter isStored: Whether its bytes were stored, or none were written. That it cannot be closed changes nothing
    ///   then; other servers pass the bytes on only now.
    func close(_ file: OpaquePointer, isStored: Bool = true) throws(SSHFailure) {
        do throws(SSHFailure) {
            try call("closing the file", within: isStored ? nil : connection.patience * 4) {
                libssh2_sftp_close_handle(file)
            }
        } catch {
            guard isStored, case .status = error else { throw error }
        }
    }

    /// What the server knows of a path; nil when nothing is there.
    ///
    /// - Parameter kind: Whether links are followed: `LIBSSH2_SFTP_LSTAT` or `LIBSSH2_SFTP_STAT`.
    func attributes(
        _ path: String, _ kind: Int32 = LIBSSH2_SFTP_LSTAT
    ) throws(SSHFailure) -> LIBSSH2_SFTP_ATTRIBUTES? {
        var attributes = LIBSSH2_SFTP_ATTRIBUTES()
        do throws(SSHFailure) {
            try call("looking at the directory") {
                libssh2_sftp_stat_ex(
                    handle, path, UInt32(path.utf8.count), kind, &attributes)
            }
            return attributes
        } catch {
            guard case .status(let status, _) = error, status == UInt(LIBSSH2_FX_NO_SUCH_FILE) else { throw error }
            return nil
        }
    }

    private func status(_ error: SSHFailure) -> SSHFailure {
        guard case .code(LIBSSH2_ERROR_SFTP_PROTOCOL, let doing) = error else { return error }
        let status = libssh2_sftp_last_error(handle)
        return status == 0 ? error : .status(UInt(status), during: doing)
    }
}
